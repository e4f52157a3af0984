#!/usr/bin/env bash
# libpond logs in by SCRAM-SHA-256, by way of the command, to the server that PG* name: a pondd with
# tests/clients/login.conf, or a PostgreSQL, which is given the same users first; over TLS, too, and bound to it.
#
# usage: test_cli_login.sh POND pondd|postgresql
set -uo pipefail
export LC_ALL=C.UTF-8
# shellcheck source=tests/integration/cli.sh
. "$(dirname "$0")/cli.sh"
server=$2
unset PGPASSWORD PGPASSFILE
export HOME=$folder
ask=("$pond" query -F csv 'SELECT current_user AS me')
unbound=(env PGCHANNELBINDING=prefer) # without a SCRAM login there is nothing to bind

# Users and rules for a PostgreSQL, which the user tester may write.
prepare_postgres()
{
    local made
    made=$(printf 'I\u00adX\n' | "$pond" passwd soft | sed 's/.*" "\(.*\)"/\1/')
    "${unbound[@]}" psql -X -q -v ON_ERROR_STOP=1 -d postgres <<END || fail "the users could not be made"
SET password_encryption = 'scram-sha-256';
CREATE ROLE alice LOGIN PASSWORD 'wonderland';
CREATE ROLE bob LOGIN PASSWORD 'grüße';
CREATE ROLE hard LOGIN PASSWORD 'IX';
CREATE ROLE soft LOGIN PASSWORD '$made';
CREATE ROLE clear LOGIN PASSWORD 'x';
SET password_encryption = 'md5';
CREATE ROLE old LOGIN PASSWORD 'x';
END
    local hba way
    hba=$("${unbound[@]}" psql -X -At -d postgres -c 'SHOW hba_file')
    for way in "local all|" "hostssl all|all"; do
        printf "${way/|/ %s } %s\n" tester trust clear password old md5 all scram-sha-256
    done > "$hba"
    "${unbound[@]}" psql -X -q -d postgres -c 'SELECT pg_reload_conf()' > /dev/null
    # until the server has read it
    eventually env PGUSER=alice PGPASSWORD=wrong bash -c '! psql -X -d shop -c "SELECT 1" > /dev/null 2>&1'
}

export PGUSER=alice
if [ "$server" = postgresql ]; then
    PGUSER=tester prepare_postgres
fi

# Wherever the password comes from.
expect 0 $'me\nalice' "" env PGPASSWORD=wonderland "${ask[@]}"
expect 0 $'me\nalice' "" "$pond" query -F csv -d "password=wonderland user=alice dbname=shop" 'SELECT current_user AS me'
expect 0 $'me\nbob' "" "$pond" query -F csv -d "postgresql://bob:gr%C3%BC%C3%9Fe@/shop" 'SELECT current_user AS me'
printf '%s\n' '# a comment' 'nowhere:*:*:alice:wrong' "*:$PGPORT:shop:bob:grüße" "*:*:shop:alice:wonderland" > "$folder/.pgpass"
chmod 600 "$folder/.pgpass"
expect 0 $'me\nalice' "" "${ask[@]}"
expect 0 $'me\nbob' "" env PGUSER=bob "${ask[@]}"
chmod 640 "$folder/.pgpass"
expect 3 "" "*none was supplied (the password file has group or world access; permissions should be u=rw (0600) or less)*" "${ask[@]}"
mv "$folder/.pgpass" "$folder/passwords"
chmod 600 "$folder/passwords"
expect 3 "" "*the server asks for a password, and none was supplied*" "${ask[@]}"
expect 0 $'me\nalice' "" env PGPASSFILE="$folder/passwords" "${ask[@]}"
expect 0 $'me\nalice' "" env PGPASSFILE="$folder/passwords" PGPASSWORD= "${ask[@]}"

# As it should fail.
for password in wrong Wonderland "wonderland " "$(printf 'x%.0s' {1..5000})"; do
    expect 3 "" '*FATAL:  password authentication failed for user "alice"*28P01*' env PGPASSWORD="$password" "${ask[@]}"
done
expect 3 "" '*FATAL:  password authentication failed for user "nobody"*' env PGUSER=nobody PGPASSWORD=wonderland "${ask[@]}"

# What require_auth says.
expect 0 $'me\nalice' "" env PGPASSWORD=wonderland PGREQUIREAUTH=scram-sha-256 "${ask[@]}"
expect 0 $'me\nalice' "" env PGPASSWORD=wonderland PGREQUIREAUTH='!none,!md5' "${ask[@]}"
expect 3 "" "*require_auth failed*" env PGPASSWORD=wonderland PGREQUIREAUTH=none "${ask[@]}"

if [ "$server" = pondd ]; then # what is run for a copy has the password, too, wherever it was said
    who=(-- psql -X -At -c 'SELECT current_user')
    expect 0 alice "" "$pond" run "user=alice password=wonderland dbname=shop" "${who[@]}"
    expect 0 bob "" "$pond" run "postgresql://bob:gr%C3%BC%C3%9Fe@/shop" "${who[@]}"
    expect 0 alice "" env PGPASSWORD=wonderland "$pond" run shop "${who[@]}"
    expect 3 "" "*28P01*" "$pond" query -d "user=alice password=wrong dbname=shop" 'SELECT 1'
else
    expect 3 "" "*asks for the password in clear text, which*" "${unbound[@]}" PGUSER=clear PGPASSWORD=x "${ask[@]}"
    expect 3 "" "*asks for an MD5 hash of the password, which*" "${unbound[@]}" PGUSER=old PGPASSWORD=x "${ask[@]}"
    # The same letters are the same password, however they are written (RFC 4013), and to psql.
    for user in hard soft; do
        for password in IX $'I\u00adX' $'\u2168'; do
            expect 0 $'me\n'$user "" env PGUSER=$user PGPASSWORD="$password" "${ask[@]}"
            expect 0 "$user" "" env PGUSER=$user PGPASSWORD="$password" psql -X -At -d shop -c 'SELECT current_user'
        done
        expect 3 "" '*28P01*' env PGUSER=$user PGPASSWORD=ix "${ask[@]}"
    done
    expect 3 "" "*require_auth failed*" "${unbound[@]}" PGUSER=tester PGREQUIREAUTH=scram-sha-256 "${ask[@]}"
    if [ "${PGCHANNELBINDING-}" = require ]; then
        expect 3 "" "*channel binding required*" env PGUSER=tester "${ask[@]}"
        expect 0 $'ssl\nt' "" env PGPASSWORD=wonderland "$pond" query -F csv \
            'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
        expect 3 "" "*no encryption*" env PGPASSWORD=wonderland PGSSLMODE=disable PGCHANNELBINDING=prefer "${ask[@]}"
        expect 3 "" "*certificate verify failed*" env PGPASSWORD=wonderland PGSSLROOTCERT="$POND_CERTIFICATES/other-root.crt" "${ask[@]}"
    fi
fi
passed
