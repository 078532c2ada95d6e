package lambent.runtime;

import com.amazonaws.services.lambda.runtime.CustomPojoSerializer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.ServiceLoader;

/** Events to values and values to answers: ours, or the one that the function brings (CustomPojoSerializer). */
final class Serializer {
    private static final byte[] NULL = "null".getBytes(StandardCharsets.UTF_8);

    private final CustomPojoSerializer own;

    private Serializer(CustomPojoSerializer own) {
        this.own = own;
    }

    /** That of the function behind `loader`. Throws a Fault that ends the process. */
    static Serializer of(ClassLoader loader) throws Fault {
        if (loader.getResource("META-INF/services/" + CustomPojoSerializer.class.getName()) == null) {
            return new Serializer(null);
        }
        try {
            Iterator<CustomPojoSerializer> found = ServiceLoader.load(CustomPojoSerializer.class, loader).iterator();
            Serializer serializer = new Serializer(found.next());
            if (found.hasNext()) {
                throw new IllegalStateException("Too many serializers provided inside the META-INF/services folder");
            }
            return serializer;
        } catch (Throwable error) {
            throw Fault.thrown(error, true);
        }
    }

    /** Look at these types before the first event comes; one that cannot be is told with the event. */
    void expect(Type... types) {
        for (Type type : types) {
            if (own == null && type instanceof Class && !((Class<?>) type).isPrimitive() && !((Class<?>) type).isInterface()) {
                try {
                    Properties.of((Class<?>) type);
                } catch (RuntimeException | LinkageError told) { // with the event, where it matters
                    continue;
                }
            }
        }
    }

    Object read(byte[] event, Type type) {
        try {
            if (own != null) {
                return own.fromJson(new ByteArrayInputStream(event), type);
            }
            return Mapper.map(new JsonReader(event).read(), type);
        } catch (Throwable error) {
            throw new RuntimeException("An error occurred during JSON parsing", error);
        }
    }

    void write(Object value, Type type, ByteArrayOutputStream answer) {
        try {
            if (type == void.class || type == Void.class) {
                answer.write(NULL);
            } else if (own != null) {
                own.toJson(value, answer, type);
            } else {
                answer.write(JsonWriter.text(value).getBytes(StandardCharsets.UTF_8));
            }
        } catch (Throwable error) {
            throw new RuntimeException("An error occurred during JSON serialization of response", error);
        }
    }
}
