# Languages, warnings, and the four types of a build tree:
#
#   release  what is installed: optimized across files, hardened, with symbols
#   asan     AddressSanitizer and UndefinedBehaviorSanitizer; the tests run against it
#   tsan     ThreadSanitizer
#   fuzz     clang with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer
#
# Sets EZTCLOUD_BUILD (the type), EZTCLOUD_TESTS and EZTCLOUD_BENCH (what is built beside the
# program). NDEBUG is never defined: invariants stay on in every type.

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE release CACHE STRING "release, asan, tsan or fuzz" FORCE)
endif()
string(TOLOWER "${CMAKE_BUILD_TYPE}" EZTCLOUD_BUILD)
if(NOT EZTCLOUD_BUILD MATCHES "^(release|asan|tsan|fuzz)$")
    message(FATAL_ERROR "CMAKE_BUILD_TYPE is '${CMAKE_BUILD_TYPE}'; "
                        "it is one of release, asan, tsan, fuzz")
endif()

set(tests_by_default OFF)
if(EZTCLOUD_BUILD MATCHES "^(asan|tsan)$")
    set(tests_by_default ON)
endif()
option(EZTCLOUD_TESTS "build the unit and simulation tests" ${tests_by_default})
set(bench_by_default OFF)
if(EZTCLOUD_BUILD STREQUAL "asan")
    set(bench_by_default ON) # for its unit tests
endif()
option(EZTCLOUD_BENCH "build the load maker" ${bench_by_default})

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
add_compile_definitions(_GNU_SOURCE)

# Everything is in the list of options below; CMake's own flags of a type would add NDEBUG.
string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
foreach(language C CXX)
    set(CMAKE_${language}_FLAGS_${type} "")
endforeach()
set(CMAKE_EXE_LINKER_FLAGS_${type} "")

add_compile_options(-g -fPIE -Wall -Wextra -Wconversion -Wshadow -Wvla
                    "$<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes;-Wmissing-prototypes>")
add_link_options(-pie -Wl,--as-needed)

if(EZTCLOUD_BUILD STREQUAL "release")
    add_compile_options(-Werror -O2 -D_FORTIFY_SOURCE=3 -fstack-protector-strong
                        -fstack-clash-protection -fcf-protection)
    add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT ipo LANGUAGES C CXX)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${ipo})
elseif(EZTCLOUD_BUILD STREQUAL "asan")
    # Sanitizers make gcc see paths that do not exist: that one warning is no error here, the
    # release build has the last word on it.
    add_compile_options(-Werror -Wno-error=maybe-uninitialized -O1 -fno-omit-frame-pointer
                        -fsanitize=address,undefined -fno-sanitize-recover=all)
    add_link_options(-fsanitize=address,undefined)
elseif(EZTCLOUD_BUILD STREQUAL "tsan")
    add_compile_options(-Werror -Wno-error=maybe-uninitialized -O1 -fno-omit-frame-pointer
                        -fsanitize=thread)
    add_link_options(-fsanitize=thread)
else()
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "the type fuzz needs clang: "
                            "-DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++")
    endif()
    # The code is written for gcc's warnings; here clang is the means, not the judge.
    add_compile_options(-O1 -fno-omit-frame-pointer
                        -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
    add_link_options(-fsanitize=address,undefined)
endif()
