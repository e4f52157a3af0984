# SQLite as the distribution ships it, linked from its archive where there is one: in the shared library
# each call between SQLite's own files goes through the linkage table, and compilers may inline none of
# them, so a scan costs 15 % more CPU. An update of SQLite then needs a build of pond as well; whoever does
# not want that says -DPOND_SHARED_SQLITE=ON.
option(POND_SHARED_SQLITE "link SQLite's shared library although its archive is there" OFF)

pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.40)
find_library(SQLITE_ARCHIVE NAMES ${CMAKE_STATIC_LIBRARY_PREFIX}sqlite3${CMAKE_STATIC_LIBRARY_SUFFIX}
             HINTS ${SQLITE_LIBRARY_DIRS})

add_library(pond_sqlite INTERFACE)
if(SQLITE_ARCHIVE AND NOT POND_SHARED_SQLITE)
    target_include_directories(pond_sqlite INTERFACE ${SQLITE_INCLUDE_DIRS})
    target_link_libraries(pond_sqlite INTERFACE ${SQLITE_ARCHIVE} m)
else()
    target_link_libraries(pond_sqlite INTERFACE PkgConfig::SQLITE)
endif()
