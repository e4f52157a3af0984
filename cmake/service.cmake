# What makes a service of pondd: units, user, folders, configuration, manuals. All of it belongs to the component pondd.
set(POND_UNIT_DIR lib/systemd/system)
set(POND_UNITS ${CMAKE_BINARY_DIR}/systemd)

foreach(name pondd.service pond.conf)
    configure_file(systemd/${name}.in ${POND_UNITS}/${name} @ONLY)
endforeach()
foreach(name pondd.socket pondd-tcp.socket)
    configure_file(systemd/${name} ${POND_UNITS}/${name} COPYONLY)
endforeach()

install(TARGETS pondd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR} COMPONENT pondd)
install(FILES ${POND_UNITS}/pondd.service ${POND_UNITS}/pondd.socket ${POND_UNITS}/pondd-tcp.socket
        DESTINATION ${POND_UNIT_DIR} COMPONENT pondd)
install(FILES systemd/pondd.sysusers DESTINATION lib/sysusers.d RENAME pondd.conf COMPONENT pondd)
install(FILES systemd/pondd.tmpfiles DESTINATION lib/tmpfiles.d RENAME pondd.conf COMPONENT pondd)
pond_manual(daemon/pondd.8 8 pondd)
pond_manual(conf/pond.conf.5 5 pondd)
install(FILES conf/pond.conf.sample conf/demo.conf conf/demo.sql
        DESTINATION ${CMAKE_INSTALL_DOCDIR}d/examples COMPONENT pondd)
file(GLOB docs CONFIGURE_DEPENDS docs/*.md)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}d COMPONENT pondd)
install(FILES ${docs} DESTINATION ${CMAKE_INSTALL_DOCDIR}d/docs COMPONENT pondd) # as the links of its pages want it

# A configuration that is there is somebody's.
install(CODE "
    set(folder \"${CMAKE_INSTALL_FULL_SYSCONFDIR}/pondd\")
    if(NOT EXISTS \"\$ENV{DESTDIR}\${folder}/pond.conf\")
        file(INSTALL DESTINATION \"\${folder}\" TYPE FILE FILES \"${POND_UNITS}/pond.conf\")
    endif()" COMPONENT pondd)
