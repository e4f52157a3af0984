# shellcheck shell=bash
# What the blocks of a page may need. need NAME...: goes on when all are there, ends with 77 when one is not. Sourced.
docs_tests=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
junit_jar=/usr/share/java/junit-platform-console-standalone.jar

missing() { echo "skipped: $1 is missing"; exit 77; }

# cc and pkg-config as on a machine where libpond is installed: this build's, with the sanitizers that it has.
install_libpond() {
    command -v pkg-config >/dev/null || missing "pkg-config"
    local prefix=$POND_DOCS_TOOLS/usr pc
    if [ ! -d "$prefix" ]; then
        cmake --install "$POND_BUILD" --prefix "$prefix" --component libpond >"$POND_DOCS_TOOLS.log" || exit 1
        pc=$(find "$prefix" -name libpond.pc)
        sed -i "s|^prefix=.*|prefix=$prefix|" "$pc"
        mkdir -p "$POND_DOCS_TOOLS/bin"
        printf '#!/bin/sh\nexec %s %s "$@"\n' "$POND_CC" "${POND_SANITIZE:+-fsanitize=$POND_SANITIZE}" \
            >"$POND_DOCS_TOOLS/bin/cc"
        chmod +x "$POND_DOCS_TOOLS/bin/cc"
    fi
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name libpond.pc)")
    LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
    PATH=$POND_DOCS_TOOLS/bin:$PATH
    export PKG_CONFIG_PATH LD_LIBRARY_PATH PATH
}

need() {
    local one
    for one in "$@"; do
        case $one in
        psycopg | asyncpg | pytest) python3 -c "import $one" 2>/dev/null || missing "$one" ;;
        node)
            cd "$docs_tests/../clients" || exit 1
            # shellcheck source=../clients/node.sh
            . ./node.sh
            ;;
        jdbc)
            # shellcheck source=../clients/java.sh
            . "$docs_tests/../clients/java.sh"
            ;;
        junit) [ -f "$junit_jar" ] || missing "JUnit 5" ;;
        php) php -r 'exit(extension_loaded("pdo_pgsql") ? 0 : 1);' 2>/dev/null || missing "PHP with pdo_pgsql" ;;
        libpond) install_libpond ;;
        *) echo "need: nobody knows $one" && exit 1 ;;
        esac
    done
}
