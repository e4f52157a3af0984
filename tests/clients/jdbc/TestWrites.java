// pgjdbc: batches, generated keys, COPY.
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.postgresql.copy.CopyManager;
import org.postgresql.copy.CopyOut;
import org.postgresql.util.PSQLException;

class TestWrites extends JdbcTest {
    // ---- batches and keys ----

    static void testBatches() throws Exception {
        for (String options : List.of("", "reWriteBatchedInserts=true", "preferQueryMode=simple", "prepareThreshold=1")) {
            try (Connection db = anew(options)) {
                run(db, "CREATE TABLE t (id serial PRIMARY KEY, n int, label text)");
                try (PreparedStatement s = db.prepareStatement("INSERT INTO t (n, label) VALUES (?, ?)")) {
                    for (int i = 0; i < 1000; i++) {
                        s.setInt(1, i);
                        s.setString(2, i % 7 == 0 ? null : "label " + i);
                        s.addBatch();
                    }
                    int[] counts = s.executeBatch();
                    same(1000, counts.length);
                    same(true, Arrays.stream(counts).allMatch(n -> n == 1 || n == Statement.SUCCESS_NO_INFO));
                }
                same(499500L, ask(db, "SELECT sum(n) FROM t"));
                same(143L, ask(db, "SELECT count(*) FROM t WHERE label IS NULL"));
                try (Statement s = db.createStatement()) {
                    s.addBatch("UPDATE t SET n = 0 WHERE id <= 10");
                    s.addBatch("DELETE FROM t WHERE n = 0");
                    s.addBatch("CREATE TABLE u (a int)");
                    same(new int[] {10, 10, 0}, s.executeBatch());
                }
            }
        }
    }

    static void testAFailedBatch() throws Exception {
        try (Connection db = connect()) {
            numbers(db, 0);
            for (boolean auto : new boolean[] {true, false}) {
                db.setAutoCommit(auto);
                try (PreparedStatement s = db.prepareStatement("INSERT INTO numbers VALUES (?, 'x')")) {
                    for (int i : new int[] {1, 2, 1, 3}) {
                        s.setInt(1, i);
                        s.addBatch();
                    }
                    SQLException e = fails("23505", s::executeBatch);
                    same(true, e instanceof BatchUpdateException);
                    same(true, e.getMessage().contains("numbers_pkey"));
                }
                if (!auto) {
                    db.rollback();
                }
                same(0L, ask(db, "SELECT count(*) FROM numbers"));
            }
        }
    }

    static void testGeneratedKeys() throws Exception {
        try (Connection db = connect()) {
            run(db, "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int DEFAULT 5, label text)");
            try (PreparedStatement s = db.prepareStatement("INSERT INTO t (label) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
                for (int i = 1; i <= 7; i++) {
                    s.setString(1, "a");
                    same(1, s.executeUpdate());
                    same(List.of(List.of(i, 5, "a")), all(s.getGeneratedKeys()));
                }
                for (int i = 0; i < 3; i++) {
                    s.setString(1, "b" + i);
                    s.addBatch();
                }
                same(new int[] {1, 1, 1}, s.executeBatch());
                same(List.of(List.of(8, 5, "b0"), List.of(9, 5, "b1"), List.of(10, 5, "b2")), all(s.getGeneratedKeys()));
            }
            try (PreparedStatement s = db.prepareStatement("INSERT INTO t (n) VALUES (?)", new String[] {"id", "label"})) {
                s.setInt(1, 3);
                s.executeUpdate();
                same(List.of(Arrays.asList(11, null)), all(s.getGeneratedKeys()));
            }
            try (Statement s = db.createStatement()) {
                same(2, s.executeUpdate("UPDATE t SET n = 9 WHERE id < 3", new String[] {"id"}));
                same(List.of(List.of(1), List.of(2)), all(s.getGeneratedKeys()));
                same(true, s.execute("DELETE FROM t WHERE id = 3 RETURNING label"));
                same(List.of(List.of("a")), all(s.getResultSet()));
            }
        }
    }

    // ---- COPY ----

    static String copyOut(CopyManager copies, String text) throws Exception {
        StringWriter out = new StringWriter();
        copies.copyOut(text, out);
        return out.toString();
    }

    static void testCopyInAndOut() throws Exception {
        try (Connection db = connect()) {
            numbers(db, 0);
            CopyManager copies = db.unwrap(PGConnection.class).getCopyAPI();
            same(3L, copies.copyIn("COPY numbers FROM STDIN", new StringReader("1\ta\n2\t\\N\n3\tgrüße\n")));
            same("1\ta\n2\t\\N\n3\tgrüße\n", copyOut(copies, "COPY numbers TO STDOUT"));
            same("i,label\n3,grüße\n", copyOut(copies, "COPY (SELECT * FROM numbers WHERE i > 2) TO STDOUT WITH (FORMAT csv, HEADER)"));
            ByteArrayOutputStream binary = new ByteArrayOutputStream();
            same(3L, copies.copyOut("COPY numbers TO STDOUT (FORMAT binary)", binary));
            run(db, "TRUNCATE numbers");
            same(3L, copies.copyIn("COPY numbers FROM STDIN (FORMAT binary)", new ByteArrayInputStream(binary.toByteArray()), 7));
            CopyIn in = copies.copyIn("COPY numbers (i) FROM STDIN");
            same(1, in.getFieldCount());
            for (int i = 10; i < 2010; i++) {
                byte[] row = (i + "\n").getBytes(StandardCharsets.US_ASCII);
                in.writeToCopy(row, 0, row.length);
            }
            same(2000L, in.endCopy());
            same(2003L, ask(db, "SELECT count(*) FROM numbers"));
        }
    }

    static void testCopyTakenBackAndFailed() throws Exception {
        try (Connection db = connect()) {
            numbers(db, 0);
            CopyManager copies = db.unwrap(PGConnection.class).getCopyAPI();
            CopyIn in = copies.copyIn("COPY numbers FROM STDIN");
            byte[] row = "1\tx\n".getBytes(StandardCharsets.US_ASCII);
            in.writeToCopy(row, 0, row.length);
            in.cancelCopy();
            same(false, in.isActive());
            SQLException e = fails("22P02", () -> copies.copyIn("COPY numbers FROM STDIN", new StringReader("1\ta\nx\tb\n")));
            same("COPY numbers, line 2, column i: \"x\"", ((PSQLException) e).getServerErrorMessage().getWhere());
            same(0L, ask(db, "SELECT count(*) FROM numbers"));
            CopyOut out = copies.copyOut("COPY (SELECT i FROM generate_series(1, " + MANY + ") AS g(i)) TO STDOUT");
            same("1\n", new String(out.readFromCopy(), StandardCharsets.US_ASCII));
            db.unwrap(PGConnection.class).cancelQuery();
            fails("57014", () -> {
                while (out.readFromCopy() != null) {
                    same(true, out.isActive());
                }
            });
            same(1, ask(db, "SELECT 1"));
            db.setAutoCommit(false);
            same(1L, copies.copyIn("COPY numbers FROM STDIN", new StringReader("5\ta\n")));
            Savepoint s = db.setSavepoint();
            fails("22P04", () -> copies.copyIn("COPY numbers FROM STDIN", new StringReader("6\n")));
            db.rollback(s);
            db.commit();
            same(1L, ask(db, "SELECT count(*) FROM numbers"));
        }
    }
}
