// What the tests of pgjdbc share, and what runs them: a method whose name starts with "test" is one.
// Each has its own connection, and with it a database of its own.
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

public class JdbcTest {
    static final boolean IS_POND = System.getenv("POND_TEST_PEER") == null;
    static final long ROWS = Long.parseLong(env("POND_TEST_CURSOR_ROWS", "20000"));
    static final int MANY = IS_POND ? 1_000_000_000 : 2_000_000; // PostgreSQL makes all of a series before its first row
    static final String ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

    // ---- what tests use ----

    static String env(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null ? otherwise : value;
    }

    static Connection connect(String options) throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://" + env("PGHOST", "127.0.0.1") + ":" + env("PGPORT", "7432") + "/"
            + env("PGDATABASE", "shop") + "?user=" + env("PGUSER", "tester") + "&sslmode=disable&" + options);
    }

    /** With a database of its own, even in the middle of a test. */
    static Connection anew(String options) throws Exception {
        if (!IS_POND) {
            fresh();
        }
        return connect(options);
    }

    static Connection connect() throws SQLException {
        return connect("");
    }

    static void same(Object expected, Object got) {
        if (!Objects.deepEquals(expected, got)) {
            throw new AssertionError("expected " + show(expected) + ", got " + show(got));
        }
    }

    static String show(Object value) {
        return value instanceof Object[] ? Arrays.deepToString((Object[]) value)
            : value instanceof byte[] ? Arrays.toString((byte[]) value)
            : value instanceof int[] ? Arrays.toString((int[]) value)
            : String.valueOf(value);
    }

    interface Work {
        void run() throws Exception;
    }

    static SQLException fails(String state, Work work) throws Exception {
        try {
            work.run();
        } catch (SQLException e) {
            same(state, e.getSQLState());
            return e;
        }
        throw new AssertionError("no error, but " + state + " was expected");
    }

    static void run(Connection db, String text) throws SQLException {
        try (Statement s = db.createStatement()) {
            s.execute(text);
        }
    }

    /** The first column of the first row. */
    static Object ask(Connection db, String text, Object... values) throws SQLException {
        try (PreparedStatement s = db.prepareStatement(text)) {
            for (int i = 0; i < values.length; i++) {
                s.setObject(i + 1, values[i]);
            }
            try (ResultSet rows = s.executeQuery()) {
                return rows.next() ? rows.getObject(1) : null;
            }
        }
    }

    /** All rows, a list each. */
    static List<List<Object>> all(ResultSet rows) throws SQLException {
        List<List<Object>> got = new ArrayList<>();
        while (rows.next()) {
            List<Object> row = new ArrayList<>();
            for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                row.add(rows.getObject(i));
            }
            got.add(row);
        }
        return got;
    }

    static void numbers(Connection db, int count) throws SQLException {
        run(db, "CREATE TABLE numbers (i integer PRIMARY KEY, label text)");
        run(db, "INSERT INTO numbers SELECT i, 'row ' || i FROM generate_series(1, " + count + ") AS g(i)");
    }

    // ---- running them ----

    /** A real PostgreSQL needs its database made anew; pond's clients always have a fresh one. */
    static void fresh() throws Exception {
        String name = env("PGDATABASE", "shop");
        psql("-d", "postgres", "-c", "DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "-c", "CREATE DATABASE " + name);
        psql("-d", name, "-f", "clients.sql");
    }

    static void psql(String... words) throws Exception {
        List<String> command = new ArrayList<>(List.of("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"));
        command.addAll(List.of(words));
        if (new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start().waitFor() != 0) {
            throw new AssertionError("psql failed");
        }
    }

    static boolean passes(Method test) throws Exception {
        try {
            if (!IS_POND) {
                fresh();
            }
            test.setAccessible(true);
            test.invoke(null);
            System.out.println("ok - " + test.getName());
            return true;
        } catch (InvocationTargetException e) {
            System.out.println("not ok - " + test.getName() + ": " + e.getCause());
            e.getCause().printStackTrace(System.out);
            return false;
        }
    }

    public static void main(String[] names) throws Exception {
        int failed = 0;
        int ran = 0;
        for (Class<?> group : List.of(TestSessions.class, TestValues.class, TestResults.class, TestWrites.class)) {
            for (Method method : group.getDeclaredMethods()) {
                if (method.getName().startsWith("test") && (names.length == 0 || List.of(names).contains(method.getName()))) {
                    failed += passes(method) ? 0 : 1;
                    ran++;
                }
            }
        }
        System.out.println(ran + " tests, " + failed + " failed");
        System.exit(failed > 0 || ran == 0 ? 1 : 0);
    }
}
