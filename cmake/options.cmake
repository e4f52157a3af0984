# What every preset shares: the language, the warnings, and what the sanitizers want.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(POND_SANITIZE "" CACHE STRING "sanitizers of this build: address,undefined or thread")
set(POND_STACK_KIB 1024 CACHE STRING "stack of one task in KiB; sanitizer builds need more")
set(POND_TEST_WRAPPER "" CACHE STRING "command (a list) that runs each unit test, e.g. valgrind")
option(POND_FUZZ "build the fuzz targets (clang only)" OFF)

add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes -Werror
                    -fno-omit-frame-pointer)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # It hangs on how far gcc optimises: at -O3 it no longer sees that who fails has said so.
    add_compile_options(-Wno-error=maybe-uninitialized)
endif()
add_compile_definitions(_GNU_SOURCE POND_STACK_KIB=${POND_STACK_KIB} POND_VERSION="${PROJECT_VERSION}")

if(POND_SANITIZE)
    add_compile_options(-fsanitize=${POND_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${POND_SANITIZE})
endif()
if(POND_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
