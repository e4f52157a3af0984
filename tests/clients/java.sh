# shellcheck shell=bash disable=SC2034
# What programs in Java need: a JDK, and pgjdbc as $jdbc_jar. Ends with 77 when one is missing. Sourced.
jdbc_jar=${POND_JDBC_JAR:-/usr/share/java/postgresql.jar}
[ -f "$jdbc_jar" ] || { echo "skipped: pgjdbc is missing"; exit 77; }
{ command -v java && command -v javac; } >/dev/null || { echo "skipped: a JDK is missing"; exit 77; }
