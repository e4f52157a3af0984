# shellcheck shell=bash disable=SC2034
# .ci/packages.sh: what pond needs of Debian 12, and how it is installed. Sourced by ./run, ./test and tests/bench/run.

packages_run=(
    gcc libc6-dev cmake ninja-build pkgconf
    libevent-dev libsqlite3-dev libpg-query-dev libprotobuf-c-dev libxxhash-dev libcmocka-dev
    libssl-dev libidn-dev libsystemd-dev
    postgresql-client-15
)
packages_test=(
    "${packages_run[@]}"
    clang libclang-rt-14-dev clang-format valgrind mandoc python3 openssl
    postgresql-15
    python3-psycopg2 python3-psycopg python3-psycopg-pool python3-asyncpg
    libpostgresql-jdbc-java pgbouncer prometheus-pgbouncer-exporter prometheus chromium
    python3-pytest junit5 php-cli php-pgsql
    systemd systemd-sysv systemd-container dbus dpkg-dev lintian
)
packages_bench=("${packages_run[@]}" postgresql-15 pgbouncer python3 openssl)

# require_packages PACKAGE...: installs those that are missing; asks apt for nothing when none is.
require_packages() {
    local missing=() package installed sudo=()
    installed=$(dpkg-query -W -f '=${db:Status-Status} ${Package} \n' "$@" 2>/dev/null || true)
    for package in "$@"; do
        case $installed in
        *"=installed $package "*) ;;
        *) missing+=("$package") ;;
        esac
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "Some packages are missing. Install them as root, then start this again:" >&2
            echo "    apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
            return 1
        fi
        sudo=(sudo)
    fi
    echo "Installing ${missing[*]}" >&2
    "${sudo[@]}" apt-get update -q >&2
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
}

# Debian has node-postgres for its own node; another node has npm, and tests/clients/test_node.sh asks that for it.
packages_node() {
    { command -v node && command -v npm; } >/dev/null || echo nodejs node-pg
}

# A JDK that is there is as good as Debian's.
packages_java() {
    { command -v java && command -v javac; } >/dev/null || echo default-jdk-headless
}
