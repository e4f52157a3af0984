// Pages through a result with pgjdbc's setFetchSize. See paging.py for what it says and hears.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;

class PageJdbc extends JdbcTest {
    static final BufferedReader INPUT = new BufferedReader(new InputStreamReader(System.in));

    static void say(String words) throws Exception {
        System.out.println(words);
        INPUT.readLine();
    }

    public static void main(String[] words) throws Exception {
        int rows = Integer.parseInt(words[0]);
        try (Connection db = connect()) {
            ask(db, "SELECT 1");
            db.setAutoCommit(false);
            try (PreparedStatement s = db.prepareStatement(words[2])) {
                s.setFetchSize(Integer.parseInt(words[1]));
                say("ready");
                all(s, rows);
                some(db, s, rows / 2);
            }
        }
    }

    static void all(PreparedStatement s, int rows) throws Exception {
        long count = 0;
        long sum = 0;
        long waited = 0;
        long begin = System.nanoTime();
        try (ResultSet r = s.executeQuery()) {
            while (r.next()) {
                sum += r.getInt(1);
                if (++count == rows / 2) {
                    long pause = System.nanoTime();
                    say("half");
                    waited = System.nanoTime() - pause;
                }
            }
        }
        say("all " + count + " " + sum + " " + (System.nanoTime() - begin - waited) / 1e9);
    }

    static void some(Connection db, PreparedStatement s, int rows) throws Exception {
        int count = 0;
        try (ResultSet r = s.executeQuery()) {
            while (count < rows && r.next()) {
                count++;
            }
        }
        say("after " + count + " " + ask(db, "SELECT 7"));
        db.commit();
    }
}
