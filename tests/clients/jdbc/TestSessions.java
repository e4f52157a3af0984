// pgjdbc: connecting, settings, transactions, errors, time-outs.
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

class TestSessions extends JdbcTest {
    // ---- connecting ----

    static void testEveryQueryMode() throws Exception {
        for (String mode : List.of("simple", "extended", "extendedForPrepared", "extendedCacheEverything")) {
            try (Connection db = anew("preferQueryMode=" + mode)) {
                for (int i = 0; i < 7; i++) {
                    same("Ada", ask(db, "SELECT name FROM customers WHERE id = ? AND vip = ?", 1, true));
                    same(12.5, ask(db, "SELECT total::float8 FROM orders WHERE placed = ?::timestamptz",
                                   "2024-03-01 10:00:00+00"));
                    same("grüße", ask(db, "SELECT label FROM everything WHERE label = ?", "grüße"));
                }
                run(db, "INSERT INTO customers (email, name) VALUES ('a''b', 'it''s'); DELETE FROM orders");
                same("it's", ask(db, "SELECT name FROM customers WHERE email = ?", "a'b"));
                same(0L, ask(db, "SELECT count(*) FROM orders"));
                fails("22012", () -> ask(db, "SELECT 1 / ?", 0));
                same(1, ask(db, "SELECT 1"));
            }
        }
    }

    static void testWhatTheDriverKnowsOfTheServer() throws Exception {
        try (Connection db = connect("ApplicationName=jdbc%20test&assumeMinServerVersion=9.0&options=-c%20statement_timeout=7s")) {
            same(15, db.getMetaData().getDatabaseMajorVersion());
            same("PostgreSQL", db.getMetaData().getDatabaseProductName());
            same("jdbc test", ask(db, "SHOW application_name"));
            same("7s", ask(db, "SHOW statement_timeout"));
            db.setClientInfo("ApplicationName", "renamed");
            same("renamed", db.getClientInfo("ApplicationName"));
            same("renamed", ask(db, "SELECT current_setting('application_name')"));
            same("public", db.getSchema());
            same("shop", db.getCatalog());
            same("on", db.unwrap(PGConnection.class).getParameterStatus("standard_conforming_strings"));
        }
    }

    static void testIsValid() throws Exception {
        Connection db = connect();
        same(true, db.isValid(5));
        db.setAutoCommit(false);
        fails("42P01", () -> run(db, "SELECT * FROM nowhere"));
        same(true, db.isValid(5));
        db.rollback();
        db.close();
        same(false, db.isValid(5));
    }

    static void testSettingsOfTheSession() throws Exception {
        try (Connection db = connect()) {
            db.setSchema("public");
            same("public", db.getSchema());
            same(Connection.TRANSACTION_READ_COMMITTED, db.getTransactionIsolation());
            db.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            same(Connection.TRANSACTION_REPEATABLE_READ, db.getTransactionIsolation());
            db.setAutoCommit(false);
            same("repeatable read", ask(db, "SHOW transaction_isolation"));
            db.commit();
            db.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            same("serializable", ask(db, "SHOW TRANSACTION ISOLATION LEVEL"));
            fails("25001", () -> db.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED));
            db.rollback();
            db.setReadOnly(true);
            fails("25006", () -> run(db, "DELETE FROM orders"));
            db.rollback();
            fails("25006", () -> run(db, "CREATE TABLE t (a int)"));
            db.rollback();
            db.setReadOnly(false);
            run(db, "DELETE FROM orders");
            db.commit();
        }
        try (Connection db = anew("readOnlyMode=always")) {
            db.setReadOnly(true);
            fails("25006", () -> run(db, "DELETE FROM orders"));
            same(3L, ask(db, "SELECT count(*) FROM orders"));
        }
    }

    // ---- transactions ----

    static void testSavepoints() throws Exception {
        try (Connection db = connect()) {
            numbers(db, 2);
            db.setAutoCommit(false);
            run(db, "INSERT INTO numbers VALUES (3, 'x')");
            Savepoint named = db.setSavepoint("it's a \"name\"");
            run(db, "INSERT INTO numbers VALUES (4, 'x')");
            Savepoint inner = db.setSavepoint();
            fails("23505", () -> run(db, "INSERT INTO numbers VALUES (4, 'x')"));
            fails("25P02", () -> ask(db, "SELECT 1"));
            db.rollback(inner);
            same(4L, ask(db, "SELECT count(*) FROM numbers"));
            db.releaseSavepoint(inner);
            db.rollback(named);
            same(3L, ask(db, "SELECT count(*) FROM numbers"));
            db.commit();
            same(3L, ask(db, "SELECT count(*) FROM numbers"));
            db.commit();
            fails("3B001", () -> {
                db.createStatement().execute("SAVEPOINT a; RELEASE a");
                db.createStatement().execute("ROLLBACK TO a");
            });
            db.rollback();
        }
    }

    static void testAutosave() throws Exception {
        for (String mode : List.of("always", "conservative")) {
            try (Connection db = anew("autosave=" + mode + "&cleanupSavepoints=true")) {
                numbers(db, 2);
                db.setAutoCommit(false);
                try (PreparedStatement s = db.prepareStatement("SELECT * FROM numbers WHERE i = ?")) {
                    for (int i = 0; i < 8; i++) {
                        s.setInt(1, 1);
                        same(1, all(s.executeQuery()).size());
                        if (mode.equals("always")) {
                            fails("22012", () -> run(db, "SELECT 1 / 0"));
                        }
                    }
                    run(db, "ALTER TABLE numbers ADD COLUMN more int"); // the next one is prepared anew behind our back
                    same(List.of(Arrays.asList(1, "row 1", null)), all(s.executeQuery()));
                }
                db.commit();
            }
        }
    }

    static void testErrorsHaveTheirFields() throws Exception {
        try (Connection db = connect()) {
            Object[][] cases = {
                {"SELEC 1", "42601", null}, {"SELECT * FROM nowhere", "42P01", null}, {"SELECT nothing FROM orders", "42703", null},
                {"INSERT INTO orders VALUES (1, 1, 'x', 1, 1)", "23505", "orders_pkey"},
                {"INSERT INTO orders VALUES (9, 99, 'x', 1, 1)", "23503", "orders_customer_id_fkey"},
                {"INSERT INTO orders VALUES (9, 1, 'x', 0, 1)", "23514", "orders_quantity_check"},
                {"INSERT INTO orders (id, total) VALUES (9, 1)", "23502", null}, {"SELECT 'x'::int", "22P02", null},
                {"SELECT 2147483647 + 1", "22003", null}, {"UPDATE customers SET email = repeat('x', 81)", "22001", null},
                {"SELECT '2024-13-01'::date", "22008", null}, {"SELECT nofunction(1)", "42883", null},
            };
            for (Object[] one : cases) {
                ServerErrorMessage m = ((PSQLException) fails((String) one[1], () -> run(db, (String) one[0]))).getServerErrorMessage();
                same("ERROR", m.getSeverity());
                same(one[2], m.getConstraint());
            }
            ServerErrorMessage m = ((PSQLException) fails("42703", () -> run(db, "SELECT grüße FROM orders"))).getServerErrorMessage();
            same(8, m.getPosition());
            same(1, ask(db, "SELECT 1"));
        }
    }

    static void testWarnings() throws Exception {
        try (Connection db = connect(); Statement s = db.createStatement()) {
            s.execute("DROP TABLE IF EXISTS nothing");
            same("table \"nothing\" does not exist, skipping", s.getWarnings().getMessage());
            same("00000", s.getWarnings().getSQLState());
        }
    }

    // ---- time ----

    static void testTimeoutsAndCancel() throws Exception {
        try (Connection db = connect()) {
            try (Statement s = db.createStatement()) {
                s.setQueryTimeout(1);
                fails("57014", () -> s.executeQuery(ENDLESS));
                same(1, all(s.executeQuery("SELECT 1")).size());
            }
            run(db, "SET statement_timeout = 50");
            fails("57014", () -> ask(db, ENDLESS));
            run(db, "RESET statement_timeout");
            db.setAutoCommit(false);
            try (Statement s = db.createStatement()) {
                Thread other = new Thread(() -> {
                    try {
                        fails("57014", () -> s.executeQuery(ENDLESS));
                    } catch (Exception e) {
                        throw new AssertionError(e);
                    }
                });
                other.start();
                while (other.isAlive()) { // one that comes before its statement is lost, and Statement.cancel() sends one only
                    db.unwrap(PGConnection.class).cancelQuery();
                    other.join(20);
                }
            }
            fails("25P02", () -> ask(db, "SELECT 1"));
            db.rollback();
            same(1, ask(db, "SELECT 1"));
        }
    }

    static void testHundredConnections() throws Exception {
        List<Connection> crowd = new ArrayList<>();
        for (int i = 0; i < (IS_POND ? 100 : 20); i++) {
            crowd.add(connect());
        }
        for (Connection db : crowd) {
            if (IS_POND) {
                run(db, "DELETE FROM orders WHERE id = 1");
                same(2L, ask(db, "SELECT count(*) FROM orders"));
            }
        }
        for (Connection db : crowd) {
            db.abort(Runnable::run);
        }
    }
}
