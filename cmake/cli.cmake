# pond, the client's command: all of client/cli but main.c is a library, so that unit tests can have it.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/client/cli/*.c)
list(FILTER sources EXCLUDE REGEX "/main\\.c$")
add_library(pond_cli STATIC ${sources})
target_link_libraries(pond_cli PUBLIC pond_client)
add_executable(pond client/cli/main.c)
target_link_libraries(pond PRIVATE pond_cli)
install(TARGETS pond RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT pond-client)
pond_manual(client/cli/pond.1 1 pond-client)
install(FILES client/cli/pond.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME pond
        COMPONENT pond-client)
