package lambent.runtime;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.Charset;
import java.util.Currency;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import java.util.UUID;
import java.util.function.Function;

/** Values that are one text or one number in JSON. */
final class Scalars {
    /** From a text to a value, by class: what a text stands for, and what numbers may be written as. */
    private static final Map<Class<?>, Function<String, Object>> FROM_TEXT =
            Map.ofEntries(
                    Map.entry(UUID.class, UUID::fromString),
                    Map.entry(java.net.URI.class, java.net.URI::create),
                    Map.entry(java.net.URL.class, Scalars::url),
                    Map.entry(java.io.File.class, java.io.File::new),
                    Map.entry(java.nio.file.Path.class, java.nio.file.Path::of),
                    Map.entry(Locale.class, text -> Locale.forLanguageTag(text.replace('_', '-'))),
                    Map.entry(Currency.class, Currency::getInstance),
                    Map.entry(Charset.class, Charset::forName),
                    Map.entry(TimeZone.class, TimeZone::getTimeZone),
                    Map.entry(java.time.ZoneId.class, java.time.ZoneId::of),
                    Map.entry(java.time.ZoneOffset.class, java.time.ZoneOffset::of),
                    Map.entry(java.time.Period.class, java.time.Period::parse),
                    Map.entry(java.util.regex.Pattern.class, java.util.regex.Pattern::compile),
                    Map.entry(StringBuilder.class, StringBuilder::new));

    private static final java.util.Set<String> NO_NUMBERS = java.util.Set.of("NaN", "Infinity", "-Infinity");

    private Scalars() {}

    /** Whether a text stands for values of this class, which is no String. */
    static boolean isText(Class<?> type) {
        return FROM_TEXT.keySet().stream().anyMatch(each -> each.isAssignableFrom(type));
    }

    /** The text of a value of such a class. */
    static String textOf(Object value) {
        if (value instanceof TimeZone) {
            return ((TimeZone) value).getID();
        }
        return value.toString();
    }

    /** The value of such a class that a text stands for. */
    static Object ofText(String text, Class<?> type) {
        for (Map.Entry<Class<?>, Function<String, Object>> each : FROM_TEXT.entrySet()) {
            if (each.getKey() == type) {
                return each.getValue().apply(text);
            }
        }
        throw new IllegalArgumentException("Cannot read a " + type.getName() + " from a text");
    }

    private static Object url(String text) {
        try {
            return java.net.URI.create(text).toURL();
        } catch (java.net.MalformedURLException error) {
            throw new IllegalArgumentException(error);
        }
    }

    /** Whether `type` is a number, a boolean or a character, boxed. */
    static boolean isBox(Class<?> type) {
        return Number.class.isAssignableFrom(type) || type == Boolean.class || type == Character.class;
    }

    /** `value` as a number, boolean or character of this class, boxed; null where there is none (an empty text). */
    static Object box(Object value, Class<?> type) {
        if (value instanceof String && ((String) value).isBlank()) {
            return type == Character.class && !((String) value).isEmpty() ? (Object) ((String) value).charAt(0) : null;
        }
        if ("null".equals(value) && type != Character.class) {
            return null;
        }
        if (type == Boolean.class) {
            return bool(value);
        }
        if (type == Character.class) {
            return character(value);
        }
        if (value instanceof Boolean) {
            throw wrong(value, type);
        }
        if ((type == Double.class || type == Float.class) && NO_NUMBERS.contains(value.toString())) {
            double none = Double.parseDouble(value.toString());
            return type == Double.class ? (Object) none : (Object) (float) none;
        }
        BigDecimal number = decimal(value, type);
        boolean wholeOnly = type != Double.class && type != Float.class && type != BigDecimal.class;
        if (wholeOnly && value instanceof String && number.scale() != 0) {
            throw wrong(value, type); // a text says what it is; a number is cut off
        }
        if (type == Integer.class) {
            return whole(number).intValueExact();
        } else if (type == Long.class) {
            return whole(number).longValueExact();
        } else if (type == Short.class) {
            return whole(number).shortValueExact();
        } else if (type == Byte.class) {
            return whole(number).byteValueExact();
        } else if (type == Double.class) {
            return number.doubleValue();
        } else if (type == Float.class) {
            return number.floatValue();
        } else if (type == BigInteger.class) {
            return whole(number);
        } else if (type == BigDecimal.class) {
            return number;
        } else if (type == java.util.concurrent.atomic.AtomicInteger.class) {
            return new java.util.concurrent.atomic.AtomicInteger(whole(number).intValueExact());
        } else if (type == java.util.concurrent.atomic.AtomicLong.class) {
            return new java.util.concurrent.atomic.AtomicLong(whole(number).longValueExact());
        }
        throw wrong(value, type);
    }

    private static BigInteger whole(BigDecimal number) {
        return number.toBigInteger(); // what is behind the point is cut off, as Jackson does
    }

    private static BigDecimal decimal(Object value, Class<?> type) {
        if (!(value instanceof String) && !(value instanceof Number)) {
            throw wrong(value, type);
        }
        try {
            return new BigDecimal(value.toString().trim());
        } catch (NumberFormatException error) {
            throw wrong(value, type);
        }
    }

    private static Object bool(Object value) {
        if (value instanceof Boolean) {
            return value;
        }
        if (value instanceof Integer || value instanceof Long || value instanceof BigInteger) {
            return !value.equals(0);
        }
        if ("true".equalsIgnoreCase(value.toString()) || "false".equalsIgnoreCase(value.toString())) {
            return Boolean.valueOf(value.toString());
        }
        throw wrong(value, Boolean.class);
    }

    private static Object character(Object value) {
        if (value instanceof Integer) {
            return (char) (int) value;
        }
        if (value instanceof String && ((String) value).length() == 1) {
            return ((String) value).charAt(0);
        }
        throw wrong(value, Character.class);
    }

    static IllegalArgumentException wrong(Object value, Class<?> type) {
        String shown = value instanceof Map ? "an object" : value instanceof java.util.List ? "an array" : "\"" + value + "\"";
        return new IllegalArgumentException("Cannot read a value of `" + type.getTypeName() + "` from " + shown);
    }
}
