# The libraries of other people, by the names that pkg-config knows them under.
#
# eztcloud_library(OUT NAME) finds NAME and gives in OUT the target to link with. A library is
# looked for only when something that exists needs it.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

function(eztcloud_library out name)
    if(name STREQUAL "libwslay")
        # Debian's package has no .pc file.
        if(NOT TARGET eztcloud-lib-libwslay)
            find_path(WSLAY_INCLUDE wslay/wslay.h REQUIRED)
            find_library(WSLAY_LIBRARY wslay REQUIRED)
            add_library(eztcloud-lib-libwslay INTERFACE IMPORTED GLOBAL)
            target_include_directories(eztcloud-lib-libwslay INTERFACE "${WSLAY_INCLUDE}")
            target_link_libraries(eztcloud-lib-libwslay INTERFACE "${WSLAY_LIBRARY}")
        endif()
        set(${out} eztcloud-lib-libwslay PARENT_SCOPE)
    else()
        if(NOT TARGET PkgConfig::${name})
            pkg_check_modules(${name} REQUIRED IMPORTED_TARGET GLOBAL "${name}")
        endif()
        set(${out} PkgConfig::${name} PARENT_SCOPE)
    endif()
endfunction()
