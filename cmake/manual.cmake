# Papers in the form that distributions have them in: below /usr they are compressed.
find_program(GZIP gzip REQUIRED)

# pond_gzip(FILE COMPRESSED): anew at the next build when the file has changed.
function(pond_gzip file compressed)
    get_filename_component(folder ${compressed} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
    execute_process(COMMAND ${GZIP} -9n --stdout ${CMAKE_SOURCE_DIR}/${file} OUTPUT_FILE ${compressed}
                    COMMAND_ERROR_IS_FATAL ANY)
    set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${file})
endfunction()

# pond_manual(FILE SECTION COMPONENT): installs a manual.
function(pond_manual file section component)
    set(manual ${CMAKE_SOURCE_DIR}/${file})
    if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
        get_filename_component(name ${file} NAME)
        set(manual ${CMAKE_BINARY_DIR}/manuals/${name}.gz)
        pond_gzip(${file} ${manual})
    endif()
    install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT ${component})
endfunction()
