# cpack -G DEB: pondd, pond-client, libpond0 and libpond-dev, from a build whose prefix is /usr (cmake --preset package).
# What only packages have comes from packaging/.
set(packages pondd pond-client libpond0 libpond-dev)

# Debian's papers, in each package.
set(papers ${CMAKE_SOURCE_DIR}/packaging)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(changelog ${CMAKE_BINARY_DIR}/packaging/changelog.gz)
    pond_gzip(packaging/changelog ${changelog})
    foreach(package ${packages})
        install(FILES ${changelog} packaging/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package}
                COMPONENT ${package})
    endforeach()
    install(FILES packaging/libpond0/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides
            RENAME libpond0 COMPONENT libpond0)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pond)
set(CPACK_PACKAGE_VENDOR "The pond authors")
set(CPACK_PACKAGE_CONTACT "The pond authors <pond@example.org>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_SET_DESTDIR ON) # /etc is not below the prefix
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL ${packages})
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/lib)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

set(about "pond speaks PostgreSQL's wire protocol. Behind each connection stands a\n\
private copy-on-write clone of a database that was seeded once; when the\n\
connection ends, all that it did is gone.")

set(CPACK_DEBIAN_PONDD_PACKAGE_NAME pondd)
set(CPACK_DEBIAN_PONDD_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PONDD_PACKAGE_DEPENDS "init-system-helpers (>= 1.54~), systemd (>= 249)")
set(CPACK_DEBIAN_PONDD_PACKAGE_RECOMMENDS pond-client)
set(CPACK_DEBIAN_PONDD_PACKAGE_SUGGESTS postgresql-client)
set(CPACK_DEBIAN_PONDD_DESCRIPTION "private database for each PostgreSQL client (daemon)\n${about}")
set(CPACK_DEBIAN_PONDD_PACKAGE_CONTROL_EXTRA
    ${papers}/pondd/conffiles ${papers}/pondd/postinst
    ${papers}/pondd/prerm ${papers}/pondd/postrm)

set(CPACK_DEBIAN_POND-CLIENT_PACKAGE_NAME pond-client)
set(CPACK_DEBIAN_POND-CLIENT_PACKAGE_SECTION database)
set(CPACK_DEBIAN_POND-CLIENT_PACKAGE_SUGGESTS pondd)
set(CPACK_DEBIAN_POND-CLIENT_DESCRIPTION "private database for each PostgreSQL client (command)\n${about}\n\n\
This package has the command pond, which gives test scripts such a clone\n\
for as long as they run.")

set(CPACK_DEBIAN_LIBPOND0_PACKAGE_NAME libpond0)
set(CPACK_DEBIAN_LIBPOND0_PACKAGE_SECTION libs)
configure_file(packaging/libpond0/shlibs.in ${CMAKE_BINARY_DIR}/packaging/shlibs @ONLY)
set(CPACK_DEBIAN_LIBPOND0_PACKAGE_CONTROL_EXTRA ${papers}/libpond0/triggers ${CMAKE_BINARY_DIR}/packaging/shlibs)
set(CPACK_DEBIAN_LIBPOND0_DESCRIPTION "client library for pondd and PostgreSQL\n${about}\n\n\
This package has libpond, a client in C: blocking, in tasks, or on an\n\
event loop.")

set(CPACK_DEBIAN_LIBPOND-DEV_PACKAGE_NAME libpond-dev)
set(CPACK_DEBIAN_LIBPOND-DEV_PACKAGE_SECTION libdevel)
# What libpond.pc asks for; pond-config.cmake asks pkg-config.
set(CPACK_DEBIAN_LIBPOND-DEV_PACKAGE_DEPENDS "libpond0 (= ${PROJECT_VERSION}), libevent-dev, libssl-dev, libidn-dev")
set(CPACK_DEBIAN_LIBPOND-DEV_PACKAGE_RECOMMENDS pkg-config)
set(CPACK_DEBIAN_LIBPOND-DEV_DESCRIPTION "client library for pondd and PostgreSQL (development files)\n${about}\n\n\
This package has what programs that use libpond are built with.")

include(CPack)
