package lambent.runtime;

import java.lang.reflect.Field;
import java.util.Map;

/**
 * The variables that System.getenv and child processes see.
 *
 * <p>This process was started before it was known for which function, and the JDK reads the environment once. Its copy is a
 * map that can be changed (it is the same from Java 11 to 25), behind a view that cannot. What native libraries ask of the
 * C library is as it was at the start.
 */
final class Variables {
    private Variables() {}

    /** From now on these, and no others. */
    @SuppressWarnings("unchecked")
    static void replace(Map<String, String> wanted) throws ReflectiveOperationException {
        Map<String, String> view = System.getenv();
        Field inner = Class.forName("java.util.Collections$UnmodifiableMap").getDeclaredField("m");
        inner.setAccessible(true);
        Map<String, String> own = (Map<String, String>) inner.get(view);
        own.clear();
        own.putAll(wanted);
    }
}
