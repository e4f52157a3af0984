// pgjdbc: values of every type, before and after a statement is prepared and they travel in binary.
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.Date;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Time;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.UUID;
import org.postgresql.util.PGInterval;

class TestValues extends JdbcTest {
    // ---- types ----

    /** The one row of `everything`, however its values travel. */
    static void readEverything(ResultSet r) throws SQLException {
        same(true, r.next());
        same(1L, r.getLong("id"));
        same(true, r.getBoolean("flag"));
        same((short) -32768, r.getShort("small"));
        same(2147483647, r.getInt("number"));
        same(9223372036854775807L, r.getLong("big"));
        same(1.5f, r.getFloat("single"));
        same(0.1, r.getDouble("double"));
        same(new BigDecimal("1234.500"), r.getBigDecimal("exact"));
        same("grüße", r.getString("label"));
        same("code", r.getString("code"));
        same(new byte[] {0, -1, 16}, r.getBytes("raw"));
        same(LocalDate.of(2024, 2, 29), r.getObject("day", LocalDate.class));
        same(LocalTime.of(13, 14, 15, 500_000_000), r.getObject("clock", LocalTime.class));
        same(LocalDateTime.of(2024, 2, 29, 13, 14, 15, 250_000_000), r.getObject("moment", LocalDateTime.class));
        same(OffsetDateTime.of(2024, 2, 29, 13, 14, 15, 0, ZoneOffset.UTC).toInstant(),
             r.getObject("instant", OffsetDateTime.class).toInstant());
        same(new PGInterval("1 day 02:03:04"), new PGInterval(r.getString("span")));
        same(UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), r.getObject("ident"));
        same("{\"a\": [1, 2]}", r.getString("doc"));
        same("{\"b\": null}", r.getString("docb"));
        same(false, r.next());
    }

    static void testTypesBeforeAndAfterTheyTravelInBinary() throws Exception {
        for (String options : List.of("", "binaryTransfer=false", "prepareThreshold=-1", "preferQueryMode=simple",
                                      "binaryTransferEnable=DATE,1082,1700,1083,1114,1184,25,1043")) {
            try (Connection db = anew(options);
                 PreparedStatement s = db.prepareStatement("SELECT * FROM everything WHERE id = ? ORDER BY id")) {
                for (int i = 0; i < 9; i++) {
                    s.setLong(1, 1);
                    try (ResultSet rows = s.executeQuery()) {
                        readEverything(rows);
                    }
                }
            }
        }
    }

    static void testParametersOfEveryType() throws Exception {
        for (String options : List.of("", "prepareThreshold=-1", "binaryTransferEnable=1082,1700")) {
            try (Connection db = anew(options);
                 PreparedStatement s = db.prepareStatement("INSERT INTO everything VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                     + "?, ?, ?::interval, ?, ?::json, ?::jsonb) RETURNING *")) {
                for (int i = 10; i < 18; i++) {
                    s.setLong(1, i);
                    s.setBoolean(2, true);
                    s.setShort(3, (short) -7);
                    s.setInt(4, -8);
                    s.setLong(5, Long.MIN_VALUE);
                    s.setFloat(6, 2.5f);
                    s.setDouble(7, -0.1);
                    s.setBigDecimal(8, new BigDecimal("-17.25"));
                    s.setString(9, "a'b\\c\"ü");
                    s.setString(10, "0123456789");
                    s.setBytes(11, new byte[] {1, 0, -1, 39, 92});
                    s.setObject(12, LocalDate.of(1999, 12, 31));
                    s.setObject(13, LocalTime.of(1, 2, 3));
                    s.setObject(14, LocalDateTime.of(2000, 1, 1, 0, 0, 0, 1000));
                    s.setObject(15, OffsetDateTime.of(2024, 6, 1, 12, 0, 0, 0, ZoneOffset.ofHours(2)));
                    s.setString(16, "3 hours");
                    s.setObject(17, new UUID(1, 2));
                    s.setString(18, "[1]");
                    s.setString(19, "{\"a\":1}");
                    try (ResultSet r = s.executeQuery()) {
                        same(true, r.next());
                        same(Long.MIN_VALUE, r.getLong(5));
                        same(new BigDecimal("-17.250"), r.getBigDecimal(8));
                        same("a'b\\c\"ü", r.getString(9));
                        same(new byte[] {1, 0, -1, 39, 92}, r.getBytes(11));
                        same(LocalDate.of(1999, 12, 31), r.getObject(12, LocalDate.class));
                        same(LocalDateTime.of(2000, 1, 1, 0, 0, 0, 1000), r.getObject(14, LocalDateTime.class));
                        same(1717236000L, r.getObject(15, OffsetDateTime.class).toEpochSecond());
                        same(new PGInterval("3 hours"), new PGInterval(r.getString(16)));
                        same(new UUID(1, 2), r.getObject(17));
                        same("{\"a\": 1}", r.getString(19));
                    }
                }
            }
        }
    }

    static void testNullsOfEveryType() throws Exception {
        int[] types = {Types.BOOLEAN, Types.SMALLINT, Types.INTEGER, Types.BIGINT, Types.REAL, Types.DOUBLE, Types.NUMERIC,
                       Types.VARCHAR, Types.VARCHAR, Types.BINARY, Types.DATE, Types.TIME, Types.TIMESTAMP,
                       Types.TIMESTAMP_WITH_TIMEZONE, Types.OTHER, Types.OTHER, Types.OTHER, Types.OTHER};
        try (Connection db = connect(); PreparedStatement s = db.prepareStatement(
                 "INSERT INTO everything VALUES (?" + ", ?".repeat(types.length) + ")")) {
            for (int round = 10; round < 17; round++) {
                s.setInt(1, round);
                for (int i = 0; i < types.length; i++) {
                    s.setNull(i + 2, types[i]);
                }
                same(1, s.executeUpdate());
            }
            same(7L, ask(db, "SELECT count(*) FROM everything WHERE id >= 10 AND flag IS NULL AND docb IS NULL"));
        }
    }

    static void testOldDateClasses() throws Exception {
        try (Connection db = connect(); PreparedStatement s = db.prepareStatement(
                 "SELECT ?::date AS d, ?::time AS t, ?::timestamp AS ts, ?::timestamptz AS tz")) {
            for (int i = 0; i < 7; i++) {
                s.setDate(1, Date.valueOf("2024-02-29"));
                s.setTime(2, Time.valueOf("23:59:58"));
                s.setTimestamp(3, Timestamp.valueOf("1970-01-01 00:00:00.000001"));
                s.setTimestamp(4, Timestamp.valueOf("2024-07-01 12:34:56"));
                try (ResultSet r = s.executeQuery()) {
                    same(true, r.next());
                    same(Date.valueOf("2024-02-29"), r.getDate(1));
                    same(Time.valueOf("23:59:58"), r.getTime(2));
                    same(Timestamp.valueOf("1970-01-01 00:00:00.000001"), r.getTimestamp(3));
                    same(Timestamp.valueOf("2024-07-01 12:34:56"), r.getTimestamp(4));
                }
            }
        }
    }

    static void testSpecialValues() throws Exception {
        String text = "SELECT 'NaN'::float8, '-Infinity'::float8, 'infinity'::timestamp, '-infinity'::date, "
            + "'0001-01-01 BC'::date, ''::text, '\\x'::bytea";
        for (String options : List.of("", "prepareThreshold=-1", "binaryTransferEnable=1082,1700")) {
            try (Connection db = anew(options); PreparedStatement s = db.prepareStatement(text)) {
                for (int i = 0; i < 7; i++) {
                    try (ResultSet r = s.executeQuery()) {
                        same(true, r.next());
                        same(Double.NaN, r.getDouble(1));
                        same(Double.NEGATIVE_INFINITY, r.getDouble(2));
                        same(LocalDateTime.MAX, r.getObject(3, LocalDateTime.class));
                        same(LocalDate.MIN, r.getObject(4, LocalDate.class));
                        same(LocalDate.of(0, 1, 1), r.getObject(5, LocalDate.class));
                        same("", r.getString(6));
                        same(new byte[0], r.getBytes(7));
                    }
                }
            }
        }
    }

    static void testAStatementChangesItsParametersTypes() throws Exception {
        try (Connection db = connect(); PreparedStatement s = db.prepareStatement("SELECT id FROM orders WHERE id = ?")) {
            for (int i = 0; i < 20; i++) {
                if (i % 3 == 0) {
                    s.setInt(1, 2);
                } else if (i % 3 == 1) {
                    s.setLong(1, 2);
                } else {
                    s.setBigDecimal(1, new BigDecimal("2"));
                }
                try (ResultSet r = s.executeQuery()) {
                    same(true, r.next());
                    same(2, r.getInt(1));
                }
            }
        }
    }

    static void testStringsOfUnspecifiedType() throws Exception {
        try (Connection db = connect("stringtype=unspecified"); PreparedStatement s = db.prepareStatement(
                 "UPDATE everything SET number = ?, ident = ?, doc = ?, day = ? WHERE id = ?")) {
            for (int i = 0; i < 7; i++) {
                String[] values = {"" + i, new UUID(3, i).toString(), "{}", "2024-01-0" + (i + 1), "2"};
                for (int at = 0; at < values.length; at++) {
                    s.setString(at + 1, values[at]);
                }
                same(1, s.executeUpdate());
                same(new UUID(3, i), ask(db, "SELECT ident FROM everything WHERE number = ?", "" + i));
            }
        }
        try (Connection db = connect()) {
            fails("42804", () -> {
                try (PreparedStatement s = db.prepareStatement("UPDATE everything SET number = ?")) {
                    s.setString(1, "1");
                    s.executeUpdate();
                }
            });
            fails("42883", () -> ask(db, "SELECT id FROM orders WHERE id = ?", "1"));
        }
    }

    static void testPreparedStatementsOutliveAChangedTable() throws Exception {
        try (Connection db = connect()) {
            numbers(db, 3);
            try (PreparedStatement s = db.prepareStatement("SELECT * FROM numbers WHERE i = ?")) {
                for (int i = 0; i < 14; i++) {
                    if (i == 7) {
                        run(db, "ALTER TABLE numbers ADD COLUMN more integer DEFAULT 5");
                    }
                    s.setInt(1, 2);
                    try (ResultSet r = s.executeQuery()) {
                        same(i < 7 ? List.of(List.of(2, "row 2")) : List.of(List.of(2, "row 2", 5)), all(r));
                    }
                }
                db.setAutoCommit(false);
                run(db, "ALTER TABLE numbers DROP COLUMN more");
                s.setInt(1, 2);
                fails("0A000", s::executeQuery);
                fails("25P02", s::executeQuery);
                db.rollback();
                try (ResultSet r = s.executeQuery()) {
                    same(List.of(List.of(2, "row 2", 5)), all(r));
                }
            }
        }
    }

    static void testDeallocateAllUnderTheDriversFeet() throws Exception {
        for (String text : List.of("DEALLOCATE ALL", "DISCARD ALL")) {
            try (Connection db = connect(); PreparedStatement s = db.prepareStatement("SELECT ?::int + 1")) {
                for (int i = 0; i < 14; i++) {
                    if (i == 7) {
                        run(db, text);
                    }
                    s.setInt(1, i);
                    try (ResultSet r = s.executeQuery()) {
                        same(List.of(List.of(i + 1)), all(r));
                    }
                }
            }
        }
    }
}
