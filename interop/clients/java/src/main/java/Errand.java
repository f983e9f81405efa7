import java.util.HashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** What a client is asked to do (key=value arguments), and how it says what it did (lines of JSON). */
final class Errand {
    private final Map<String, String> values = new HashMap<>();

    Errand(String[] arguments) {
        for (String argument : arguments) {
            int at = argument.indexOf('=');
            values.put(argument.substring(0, at), argument.substring(at + 1));
        }
    }

    String get(String name) {
        return values.get(name);
    }

    int number(String name) {
        return Integer.parseInt(values.get(name));
    }

    boolean until(BooleanSupplier condition) throws InterruptedException {
        long deadline = System.currentTimeMillis() + number("patience_s") * 1000L;
        while (!condition.getAsBoolean() && System.currentTimeMillis() < deadline) {
            Thread.sleep(50);
        }
        return condition.getAsBoolean();
    }

    static void judge(boolean ok, String capability, Object detail) {
        String words = String.valueOf(detail).replace("\\", "/").replace("\"", "'").replaceAll("\\p{Cntrl}", " ");
        System.out.printf("{\"%s\": \"%s\", \"detail\": \"%.200s\"}%n", ok ? "did" : "failed", capability, words);
        System.out.flush();
    }

    static void waiting(String what) {
        System.out.printf("{\"waiting\": \"%s\"}%n", what);
        System.out.flush();
    }
}
