package lambent.runtime;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * The variables that System.getenv, child processes and native libraries see.
 *
 * <p>This process was started before it was known for which function. The JDK reads the environment once, into a map that can be
 * changed (it is the same from Java 11 to 25), behind a view that cannot. A child process without variables of its own inherits
 * those of the C library, which are where the kernel has put them when the program began: texts, and before them an array of
 * pointers, at the end of the first stack. A process that waits is started with a variable ROOM and enough others (`at_boot` in
 * sandbox/languages/java.py) for all that a function can have to find place there; it is written by way of /proc/self/mem.
 *
 * <p>Source: proc(5), the fields of `stat`; the System V ABI, "Initial stack and register state".
 */
final class Variables {
    private static final String ROOM = "LAMBENT_ROOM";
    private static final int FIRST_STACK = 28;
    private static final int TEXTS_BEGIN = 50;
    private static final int TEXTS_END = 51;
    private static final int POINTER_BYTES = 8;
    private static final int MOST_POINTERS = 8192;

    private Variables() {}

    /** From now on these, and no others. */
    @SuppressWarnings("unchecked")
    static void replace(Map<String, String> wanted) throws ReflectiveOperationException, IOException {
        Map<String, String> view = System.getenv();
        if (view.containsKey(ROOM)) {
            replaceInherited(wanted);
        }
        Field inner = Class.forName("java.util.Collections$UnmodifiableMap").getDeclaredField("m");
        inner.setAccessible(true);
        Map<String, String> own = (Map<String, String>) inner.get(view);
        own.clear();
        own.putAll(wanted);
    }

    private static void replaceInherited(Map<String, String> wanted) throws IOException {
        String stat = Files.readString(Path.of("/proc/self/stat"), StandardCharsets.ISO_8859_1);
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" "); // begins with the third
        long texts = Long.parseLong(fields[TEXTS_BEGIN - 3]);
        long roomBytes = Long.parseLong(fields[TEXTS_END - 3]) - texts;
        try (RandomAccessFile memory = new RandomAccessFile("/proc/self/mem", "rw")) {
            long stack = Long.parseLong(fields[FIRST_STACK - 3]);
            long arguments = read(memory, stack, 1).getLong();
            long pointers = stack + POINTER_BYTES * (arguments + 2); // behind the number, the arguments and a null
            ByteBuffer present = read(memory, pointers, MOST_POINTERS);
            int slots = 0;
            while (present.getLong() != 0) {
                slots++;
            }
            write(memory, wanted, texts, roomBytes, pointers, slots);
        }
    }

    private static void write(
            RandomAccessFile memory, Map<String, String> wanted, long texts, long roomBytes, long pointers, int slots)
            throws IOException {
        ByteBuffer told = ByteBuffer.allocate((int) roomBytes);
        ByteBuffer places = ByteBuffer.allocate(POINTER_BYTES * slots).order(ByteOrder.nativeOrder());
        for (Map.Entry<String, String> each : wanted.entrySet()) {
            byte[] text = (each.getKey() + "=" + each.getValue() + "\0").getBytes(StandardCharsets.UTF_8);
            if (told.remaining() < text.length || !places.hasRemaining()) {
                throw new IOException("The variables of the function are more than a process that waits has room for");
            }
            places.putLong(texts + told.position());
            told.put(text);
        }
        memory.seek(texts);
        memory.write(told.array());
        memory.seek(pointers);
        memory.write(places.array());
    }

    private static ByteBuffer read(RandomAccessFile memory, long at, int pointers) throws IOException {
        byte[] bytes = new byte[POINTER_BYTES * pointers];
        memory.seek(at);
        memory.read(bytes); // the stack may end before
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }
}
