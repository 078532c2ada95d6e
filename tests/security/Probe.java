import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What tests/security/test_guests.py asks of each language, in Java. */
public class Probe {
    private static final Map<String, String> NAMES =
            Map.of(
                    "NoSuchFileException", "ENOENT",
                    "AccessDeniedException", "EACCES",
                    "Read-only file system", "EROFS",
                    "Is a directory", "EISDIR",
                    "Operation not permitted", "EPERM",
                    "No such process", "ESRCH",
                    "Connection refused", "ECONNREFUSED",
                    "Network is unreachable", "ENETUNREACH",
                    "timed out", "ETIMEDOUT");

    private static volatile long turns;

    public Object handle(Map<String, Object> event) throws Exception {
        try {
            return act(event);
        } catch (Exception error) {
            return named(error.toString());
        }
    }

    private static String named(String told) {
        return NAMES.entrySet().stream().filter(each -> told.contains(each.getKey())).map(Map.Entry::getValue).findFirst().orElse(told);
    }

    private static Object act(Map<String, Object> event) throws Exception {
        Path path = event.containsKey("path") ? Path.of((String) event.get("path")) : null;
        switch ((String) event.get("do")) {
            case "read":
                return new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
            case "list":
                try (var entries = Files.list(path)) {
                    return entries.map(each -> each.getFileName().toString()).sorted().collect(Collectors.toList());
                }
            case "write":
                Files.writeString(path, "x");
                return "done";
            case "kill":
                String signal = event.get("signal").toString().replace("SIG", "");
                return named(shell("kill -" + signal + " " + event.get("pid") + " && echo done"));
            case "identity":
                String status = Files.readString(Path.of("/proc/self/status"));
                int uid = status.lines().filter(line -> line.startsWith("Uid:")).map(line -> Integer.parseInt(line.split("\\s+")[1])).findFirst().get();
                return List.of(ProcessHandle.current().pid(), uid, status);
            case "connect":
                try (Socket socket = new Socket()) {
                    socket.connect(new InetSocketAddress((String) event.get("host"), (Integer) event.get("port")), 2000);
                }
                return "done";
            case "become":
                return shell("setpriv --reuid 0 true && echo done");
            case "count":
                long before = turns;
                if (before == 0) {
                    Thread counter = new Thread(() -> { while (true) { turns++; } });
                    counter.setDaemon(true);
                    counter.start();
                }
                return before;
            case "take":
                return take();
            default:
                return shell("i=0; while [ $i -lt 1500 ]; do sleep 60 >/dev/null 2>&1 & i=$((i + 1)); done; echo no limit");
        }
    }

    /** All of the heap, and then what is beside it. */
    private static Object take() {
        List<Object> held = new ArrayList<>();
        try {
            while (true) {
                held.add(new byte[1 << 20]);
            }
        } catch (OutOfMemoryError full) {
            while (true) {
                ByteBuffer beside = ByteBuffer.allocateDirect(1 << 16);
                held.add(beside.putLong(0, held.size()));
            }
        }
    }

    private static String shell(String command) throws Exception {
        Process process = new ProcessBuilder("/bin/sh", "-c", command).redirectErrorStream(true).start();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
    }
}
