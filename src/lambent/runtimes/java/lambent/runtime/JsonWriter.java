package lambent.runtime;

import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Collection;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Objects to JSON text, as Jackson in AWS's configuration writes them: beans by their getters and public fields, without what is
 * null; maps and collections with it; enums by name; bytes as Base64.
 */
final class JsonWriter {
    private static final int DEEPEST = 1000;
    private static final String HEXADECIMAL = "0123456789abcdef";

    private final StringBuilder out = new StringBuilder(256);
    private int depth;

    /** The text of a value. Throws IllegalArgumentException, or what a getter throws. */
    static String text(Object value) {
        JsonWriter writer = new JsonWriter();
        writer.write(value, false);
        return writer.out.toString();
    }

    /** `event`: it belongs to one of AWS's event classes, whose dates are seconds. */
    private void write(Object value, boolean event) {
        if (value == null || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof CharSequence || value instanceof Character) {
            string(value.toString());
        } else if (value instanceof Number) {
            number((Number) value);
        } else if (value instanceof Enum) {
            string(((Enum<?>) value).name());
        } else if (!compound(value, event) && !special(value, event)) {
            bean(value);
        }
    }

    private boolean compound(Object value, boolean event) {
        if (value instanceof Map) {
            members((Map<?, ?>) value, event);
        } else if (value instanceof Collection) {
            items(((Collection<?>) value).iterator(), event);
        } else if (value instanceof Iterator) {
            items((Iterator<?>) value, event);
        } else if (value instanceof byte[]) {
            string(Base64.getEncoder().encodeToString((byte[]) value));
        } else if (value instanceof char[]) {
            string(new String((char[]) value));
        } else if (value.getClass().isArray()) {
            begin('[');
            for (int i = 0; i < Array.getLength(value); i++) {
                comma('[');
                write(Array.get(value, i), event);
            }
            end(']');
        } else {
            return false;
        }
        return true;
    }

    private boolean special(Object value, boolean event) {
        if (value instanceof Optional) {
            write(((Optional<?>) value).orElse(null), event);
        } else if (value instanceof OptionalInt) {
            OptionalInt maybe = (OptionalInt) value;
            write(maybe.isPresent() ? maybe.getAsInt() : null, event);
        } else if (value instanceof OptionalLong) {
            OptionalLong maybe = (OptionalLong) value;
            write(maybe.isPresent() ? maybe.getAsLong() : null, event);
        } else if (value instanceof OptionalDouble) {
            OptionalDouble maybe = (OptionalDouble) value;
            write(maybe.isPresent() ? maybe.getAsDouble() : null, event);
        } else if (value instanceof ByteBuffer) {
            ByteBuffer bytes = ((ByteBuffer) value).duplicate();
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            string(Base64.getEncoder().encodeToString(copy));
        } else if (Scalars.isText(value.getClass())) {
            string(Scalars.textOf(value));
        } else if (Times.isTime(value.getClass())) {
            write(Times.told(value, event), event);
        } else {
            return false;
        }
        return true;
    }

    private void bean(Object value) {
        Properties properties = Properties.of(value.getClass());
        begin('{');
        for (Properties.Property each : properties.readable()) {
            Object member = each.read(value);
            if (member != null) {
                comma('{');
                string(each.writtenName);
                out.append(':');
                write(member, properties.event);
            }
        }
        end('}');
    }

    /** Without those that are null, as of a bean. */
    private void members(Map<?, ?> map, boolean event) {
        begin('{');
        map.forEach(
                (name, member) -> {
                    if (member != null) {
                        comma('{');
                        string(name instanceof Enum ? ((Enum<?>) name).name() : String.valueOf(name));
                        out.append(':');
                        write(member, event);
                    }
                });
        end('}');
    }

    private void items(Iterator<?> items, boolean event) {
        begin('[');
        while (items.hasNext()) {
            comma('[');
            write(items.next(), event);
        }
        end(']');
    }

    private void begin(char bracket) {
        if (++depth > DEEPEST) {
            throw new IllegalArgumentException("An object holds itself, or is more than " + DEEPEST + " levels deep");
        }
        out.append(bracket);
    }

    private void comma(char bracket) {
        if (out.charAt(out.length() - 1) != bracket) {
            out.append(',');
        }
    }

    private void end(char bracket) {
        depth--;
        out.append(bracket);
    }

    private void number(Number value) {
        double asDouble = value instanceof Double || value instanceof Float ? value.doubleValue() : 0;
        if (Double.isNaN(asDouble) || Double.isInfinite(asDouble)) {
            string(value.toString());
        } else {
            out.append(value);
        }
    }

    private void string(String text) {
        out.append('"');
        int copied = 0;
        for (int i = 0; i < text.length(); i++) {
            char next = text.charAt(i);
            if (next >= ' ' && next != '"' && next != '\\') {
                continue;
            }
            out.append(text, copied, i).append('\\');
            copied = i + 1;
            int shortForm = "\"\\\b\f\n\r\t".indexOf(next);
            if (shortForm >= 0) {
                out.append("\"\\bfnrt".charAt(shortForm));
            } else {
                out.append("u00").append(HEXADECIMAL.charAt(next >> 4)).append(HEXADECIMAL.charAt(next & 15));
            }
        }
        out.append(text, copied, text.length()).append('"');
    }
}
