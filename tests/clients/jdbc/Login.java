// Logs in with each USER PASSWORD pair and prints whom the server knows, or the SQLSTATE that it said;
// over TLS when PGSSLROOTCERT is set.
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Properties;

class Login {
    static String login(String user, String password) {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password);
        String root = System.getenv("PGSSLROOTCERT");
        properties.setProperty("sslmode", root == null ? "disable" : "verify-full");
        if (root != null) {
            properties.setProperty("sslrootcert", root);
        }
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        try (Connection db = DriverManager.getConnection(url, properties);
             ResultSet rows = db.createStatement().executeQuery("SELECT current_user")) {
            rows.next();
            return "ok " + rows.getString(1);
        } catch (SQLException e) {
            return e.getSQLState();
        }
    }

    public static void main(String[] words) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (int i = 0; i < words.length; i += 2) {
            out.println(login(words[i], words[i + 1]));
        }
    }
}
