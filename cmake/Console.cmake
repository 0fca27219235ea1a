# The web console's files as a library: `make console` builds them and makes the C file that embeds
# them, the same for every build tree.

set(EZTCLOUD_CONSOLE "${CMAKE_SOURCE_DIR}/build/console"
    CACHE PATH "where `make console` put the console's files")

# eztcloud_add_console() makes the target eztcloud-console, which has http/console_files.h's table.
function(eztcloud_add_console)
    set(source "${EZTCLOUD_CONSOLE}/console_files.c")
    if(NOT EXISTS "${source}")
        message(FATAL_ERROR "${source} is missing: `make console` makes it")
    endif()
    add_library(eztcloud-console STATIC "${source}")
    target_include_directories(eztcloud-console PRIVATE "${CMAKE_SOURCE_DIR}/src")
    # Its symbols are in assembler lines, which optimization across files does not see.
    set_target_properties(eztcloud-console PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
endfunction()
