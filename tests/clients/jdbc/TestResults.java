// pgjdbc: results of all shapes, and portals that give them page by page (setFetchSize).
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

class TestResults extends JdbcTest {
    // ---- results ----

    static void testColumnsOfAResult() throws Exception {
        try (Connection db = connect(); PreparedStatement s = db.prepareStatement(
                 "SELECT c.id, email AS mail, exact, count(*) OVER () AS n, ident, raw, instant FROM customers c JOIN everything e "
                 + "ON e.id = c.id WHERE name = ?")) {
            ResultSetMetaData m = s.getMetaData();
            same(7, m.getColumnCount());
            List<Object> got = new ArrayList<>();
            for (int i = 1; i <= 7; i++) {
                got.add(m.getColumnLabel(i) + " " + m.getColumnType(i) + " " + m.getPrecision(i) + " " + m.getScale(i) + " "
                        + m.getColumnDisplaySize(i) + " " + m.getColumnClassName(i) + " " + m.isSigned(i));
            }
            same(List.of("id 4 10 0 11 java.lang.Integer true", "mail 12 80 0 80 java.lang.String false",
                         "exact 2 12 3 14 java.math.BigDecimal true", "n -5 19 0 20 java.lang.Long true",
                         "ident 1111 2147483647 0 2147483647 java.util.UUID false",
                         "raw -2 2147483647 0 2147483647 [B false", "instant 93 35 6 35 java.sql.Timestamp false"),
                 got); // the numbers of java.sql.Types
            same("int4", db.prepareStatement("SELECT id FROM orders WHERE id = ?").getParameterMetaData().getParameterTypeName(1));
            same(1, s.getParameterMetaData().getParameterCount());
            same(Types.VARCHAR, s.getParameterMetaData().getParameterType(1));
        }
    }

    static void testScrollableResultsAndMaxRows() throws Exception {
        try (Connection db = connect(); Statement s = db.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE,
                                                                         ResultSet.CONCUR_READ_ONLY)) {
            s.setMaxRows(5);
            for (int i = 0; i < 3; i++) {
                ResultSet rows = s.executeQuery("SELECT i FROM generate_series(1, 1000000) AS g(i)");
                same(true, rows.last());
                same(5, rows.getInt(1));
                same(true, rows.absolute(-4));
                same(2, rows.getInt(1));
                same(3L, ask(db, "SELECT count(*) FROM orders")); // beside the suspended unnamed portal
            }
            db.setAutoCommit(false);
            same(5, all(s.executeQuery("SELECT i FROM generate_series(1, 1000000) AS g(i)")).size());
            same(3, s.executeUpdate("UPDATE orders SET quantity = quantity + 1"));
            db.commit();
            s.setMaxRows(0);
            s.setFetchSize(2);
            same(7, all(s.executeQuery("SELECT i FROM generate_series(1, 7) AS g(i)")).size());
        }
    }

    static void testSeveralResultsOfOneText() throws Exception {
        try (Connection db = connect(); Statement s = db.createStatement()) {
            same(true, s.execute("SELECT 1; UPDATE orders SET quantity = 9; ; SELECT sku FROM orders WHERE id = 2; "
                                 + "CREATE TABLE made (a int)"));
            same(List.of(List.of(1)), all(s.getResultSet()));
            same(false, s.getMoreResults());
            same(3, s.getUpdateCount());
            same(true, s.getMoreResults());
            same(List.of(List.of("pear")), all(s.getResultSet()));
            same(false, s.getMoreResults());
            same(0, s.getUpdateCount());
            same(false, s.getMoreResults());
            same(-1, s.getUpdateCount());
            fails("22012", () -> s.execute("DELETE FROM orders; SELECT 1 / 0"));
            same(3L, ask(db, "SELECT count(*) FROM orders"));
        }
    }

    // ---- portals ----

    static PreparedStatement paged(Connection db, int size, String text) throws SQLException {
        db.setAutoCommit(false);
        PreparedStatement s = db.prepareStatement(text);
        s.setFetchSize(size);
        return s;
    }

    static final String SERIES = "SELECT i, 'row ' || i FROM generate_series(1, ?::int) AS g(i)";

    static void testPages() throws Exception {
        for (String options : List.of("", "prepareThreshold=1", "preferQueryMode=extendedCacheEverything", "adaptiveFetch=true"
                                      + "&adaptiveFetchMaximum=5000&maxResultBuffer=9M")) {
            try (Connection db = anew(options); PreparedStatement s = paged(db, 1000, SERIES)) {
                s.setInt(1, (int) ROWS);
                for (int round = 0; round < 2; round++) {
                    long sum = 0;
                    long count = 0;
                    try (ResultSet rows = s.executeQuery()) {
                        while (rows.next()) {
                            sum += rows.getInt(1);
                            same("row " + ++count, rows.getString(2));
                        }
                    }
                    same(ROWS, count);
                    same(ROWS * (ROWS + 1) / 2, sum);
                }
                db.commit();
            }
        }
    }

    static void testAPortalLeftHalfWay() throws Exception {
        try (Connection db = connect(); PreparedStatement s = paged(db, 10, SERIES)) {
            s.setInt(1, MANY);
            for (int i = 0; i < 8; i++) {
                ResultSet rows = s.executeQuery();
                for (int row = 1; row <= 15; row++) {
                    same(true, rows.next());
                    same(row, rows.getInt(1));
                }
                if (i % 2 == 0) {
                    rows.close(); // the driver sends Close with its next message
                }
                same(3L, ask(db, "SELECT count(*) FROM orders"));
            }
            db.commit();
            same(1, ask(db, "SELECT 1"));
        }
    }

    static void testStatementsBetweenPages() throws Exception {
        try (Connection db = connect()) {
            numbers(db, 100);
            try (PreparedStatement one = paged(db, 7, "SELECT i FROM numbers ORDER BY i");
                 PreparedStatement two = paged(db, 3, "SELECT i FROM numbers WHERE i > ? ORDER BY i DESC");
                 PreparedStatement delete = db.prepareStatement("DELETE FROM numbers WHERE i = ?")) {
                two.setInt(1, 0);
                ResultSet up = one.executeQuery();
                ResultSet down = two.executeQuery();
                for (int i = 1; i <= 100; i++) {
                    same(true, up.next());
                    same(true, down.next());
                    same(i, up.getInt(1));
                    same(101 - i, down.getInt(1));
                    delete.setInt(1, i);
                    same(1, delete.executeUpdate());
                }
                same(false, up.next());
                same(false, down.next());
                same(0L, ask(db, "SELECT count(*) FROM numbers"));
                db.rollback();
                same(100L, ask(db, "SELECT count(*) FROM numbers"));
            }
        }
    }

    static void testAPortalEndsWithItsTransaction() throws Exception {
        try (Connection db = connect(); PreparedStatement s = paged(db, 2, SERIES)) {
            s.setInt(1, 100);
            ResultSet rows = s.executeQuery();
            rows.next();
            db.commit();
            rows.next();
            SQLException e = fails("34000", rows::next);
            same("ERROR: portal \"C_" + e.getMessage().replaceAll("\\D", "") + "\" does not exist", e.getMessage());
            db.rollback();
            same(1, ask(db, "SELECT 1"));
        }
    }

    static void testAPortalOfAFailedTransaction() throws Exception {
        try (Connection db = connect(); PreparedStatement s = paged(db, 2, SERIES)) {
            s.setInt(1, 100);
            ResultSet rows = s.executeQuery();
            same(true, rows.next() && rows.next());
            fails("42P01", () -> run(db, "SELECT * FROM nowhere"));
            fails("25P02", rows::next);
            db.rollback();
            Savepoint before = db.setSavepoint();
            ResultSet young = s.executeQuery();
            same(true, young.next() && young.next());
            db.rollback(before);
            fails("34000", young::next);
            db.rollback();
            ResultSet old = s.executeQuery();
            same(true, old.next() && old.next());
            Savepoint after = db.setSavepoint();
            fails("22012", () -> run(db, "SELECT 1 / 0"));
            db.rollback(after);
            for (int i = 3; i <= 100; i++) {
                same(true, old.next());
                same(i, old.getInt(1));
            }
            same(false, old.next());
        }
    }

    static void testAnErrorOnALaterPage() throws Exception {
        try (Connection db = connect();
             PreparedStatement s = paged(db, 10, "SELECT 100 / (25 - i) FROM generate_series(1, 50) AS g(i)")) {
            ResultSet rows = s.executeQuery();
            for (int i = 1; i <= 20; i++) {
                same(true, rows.next());
            }
            fails("22012", rows::next);
            fails("25P02", () -> ask(db, "SELECT 1"));
            db.rollback();
            same(1, ask(db, "SELECT 1"));
        }
    }

    static void testThePageSizeChangesAndMaxRowsEndThem() throws Exception {
        try (Connection db = connect(); PreparedStatement s = paged(db, 10, SERIES)) {
            s.setInt(1, 1000);
            s.setMaxRows(333);
            ResultSet rows = s.executeQuery();
            int count = 0;
            while (rows.next()) {
                same(++count, rows.getInt(1));
                rows.setFetchSize(count % 17 + 1);
            }
            same(333, count);
            db.commit();
        }
    }

    static void testPagesOfReturning() throws Exception {
        try (Connection db = connect()) {
            numbers(db, 0);
            try (PreparedStatement s = paged(db, 3, "INSERT INTO numbers SELECT i, 'x' FROM generate_series(1, 10) AS g(i) "
                                                    + "RETURNING i")) {
                same(10, all(s.executeQuery()).size());
                same(10L, ask(db, "SELECT count(*) FROM numbers"));
                db.rollback();
                ResultSet half = s.executeQuery();
                same(true, half.next());
                half.close();
                db.commit();
                same(10L, ask(db, "SELECT count(*) FROM numbers")); // all was done before its first row came
            }
        }
    }
}
