# libpond, out of the client's floor and those below it: one shared and one static library that show nothing but the
# public header's functions. Everything is compiled with hidden visibility; the map (shared) and objcopy (static) take
# care that what is hidden is not seen either.
include(CMakePackageConfigHelpers)

set(POND_SOVERSION 0)
set(POND_CLIENT_FLOORS pond_client pond_protocol pond_async pond_tls pond_base)
set_target_properties(${POND_CLIENT_FLOORS} PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)

set(map ${CMAKE_SOURCE_DIR}/client/libpond.map)
add_library(libpond SHARED client/pond.h)
set_target_properties(libpond PROPERTIES OUTPUT_NAME pond SOVERSION ${POND_SOVERSION} VERSION ${PROJECT_VERSION} LINKER_LANGUAGE C
                      LINK_DEPENDS ${map} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
target_link_libraries(libpond PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,pond_client>)
target_link_options(libpond PRIVATE -Wl,--version-script=${map})

set(static ${CMAKE_BINARY_DIR}/lib/libpond.a)
set(object ${CMAKE_BINARY_DIR}/lib/libpond.o)
add_custom_command(OUTPUT ${static}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/lib
    COMMAND ${CMAKE_LINKER} -r -o ${object} --whole-archive $<TARGET_FILE:pond_client> --no-whole-archive
            --start-group $<TARGET_FILE:pond_protocol> $<TARGET_FILE:pond_async> $<TARGET_FILE:pond_tls>
            $<TARGET_FILE:pond_base> --end-group
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${object}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${static}
    COMMAND ${CMAKE_AR} rcs ${static} ${object}
    DEPENDS ${POND_CLIENT_FLOORS} VERBATIM)
add_custom_target(libpond_static ALL DEPENDS ${static})

configure_file(client/libpond.pc.in ${CMAKE_BINARY_DIR}/lib/libpond.pc @ONLY)
configure_package_config_file(client/pond-config.cmake.in ${CMAKE_BINARY_DIR}/lib/pond-config.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/pond
    PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/lib/pond-config-version.cmake COMPATIBILITY SameMinorVersion)

install(TARGETS libpond LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libpond0
        NAMELINK_COMPONENT libpond-dev)
install(FILES ${static} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libpond-dev)
install(FILES client/pond.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT libpond-dev)
pond_manual(client/libpond.3 3 libpond-dev)
install(FILES ${CMAKE_BINARY_DIR}/lib/libpond.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT libpond-dev)
install(FILES ${CMAKE_BINARY_DIR}/lib/pond-config.cmake ${CMAKE_BINARY_DIR}/lib/pond-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/pond COMPONENT libpond-dev)
