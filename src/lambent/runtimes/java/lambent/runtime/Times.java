package lambent.runtime;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.Year;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Calendar;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Dates and times, as Jackson in AWS's configuration has them: a Date is milliseconds, an Instant is seconds with nine digits
 * behind the point, a local date is an array of its parts; all are read from ISO 8601 too. In AWS's event classes a Date
 * is seconds, and org.joda.time.DateTime (of the function's own package) a text.
 */
final class Times {
    private static final Set<Class<?>> KNOWN =
            Set.of(
                    Instant.class,
                    OffsetDateTime.class,
                    ZonedDateTime.class,
                    LocalDate.class,
                    LocalDateTime.class,
                    LocalTime.class,
                    Year.class,
                    YearMonth.class,
                    Duration.class);
    private static final Set<Class<?>> MOMENTS = Set.of(Instant.class, OffsetDateTime.class, ZonedDateTime.class);
    private static final Pattern NUMBER = Pattern.compile("-?\\d+(\\.\\d+)?");
    private static final String JODA = "org.joda.time.DateTime";
    private static final BigDecimal THOUSAND = BigDecimal.valueOf(1000);

    private Times() {}

    static boolean isTime(Class<?> type) {
        return KNOWN.contains(type)
                || Date.class.isAssignableFrom(type)
                || Calendar.class.isAssignableFrom(type)
                || type.getName().equals(JODA);
    }

    /** The JSON value of a time. */
    static Object told(Object time, boolean event) {
        if (time instanceof Calendar) {
            return told(((Calendar) time).getTime(), event);
        } else if (time instanceof Date) {
            long ms = ((Date) time).getTime();
            return event ? (Object) (ms / 1000.0) : (Object) ms;
        } else if (time instanceof Instant) {
            return seconds(((Instant) time).getEpochSecond(), ((Instant) time).getNano());
        } else if (time instanceof OffsetDateTime) {
            return told(((OffsetDateTime) time).toInstant(), event);
        } else if (time instanceof ZonedDateTime) {
            return told(((ZonedDateTime) time).toInstant(), event);
        } else if (time instanceof Duration) {
            return seconds(((Duration) time).getSeconds(), ((Duration) time).getNano());
        } else if (time instanceof LocalDate) {
            LocalDate day = (LocalDate) time;
            return List.of(day.getYear(), day.getMonthValue(), day.getDayOfMonth());
        } else if (time instanceof Year) {
            return ((Year) time).getValue();
        } else if (time instanceof YearMonth) {
            return List.of(((YearMonth) time).getYear(), ((YearMonth) time).getMonthValue());
        } else if (time instanceof LocalTime) {
            return parts((LocalTime) time);
        } else if (time instanceof LocalDateTime) {
            LocalDateTime moment = (LocalDateTime) time;
            List<Object> all = new ArrayList<>((List<?>) told(moment.toLocalDate(), event));
            all.addAll(parts(moment.toLocalTime()));
            return all;
        }
        return time.toString(); // Joda's own form
    }

    private static BigDecimal seconds(long whole, int nanos) {
        return BigDecimal.valueOf(whole).add(BigDecimal.valueOf(nanos, 9)).setScale(9, RoundingMode.UNNECESSARY);
    }

    private static List<Integer> parts(LocalTime time) {
        List<Integer> all = new ArrayList<>(Arrays.asList(time.getHour(), time.getMinute()));
        if (time.getSecond() != 0 || time.getNano() != 0) {
            all.add(time.getSecond());
        }
        if (time.getNano() != 0) {
            all.add(time.getNano());
        }
        return all;
    }

    /** The time that a JSON value stands for; null for an empty text. */
    static Object read(Object value, Class<?> type, boolean event) {
        if ("".equals(value)) {
            return null;
        }
        if (type.getName().equals(JODA)) {
            return joda(value, type);
        }
        if (Date.class.isAssignableFrom(type)) {
            return date(value, type, event);
        }
        if (Calendar.class.isAssignableFrom(type)) {
            Calendar calendar = Calendar.getInstance();
            calendar.setTime((Date) date(value, Date.class, event));
            return calendar;
        }
        if (value instanceof List) {
            return ofParts((List<?>) value, type);
        }
        return value instanceof Number ? ofNumber((Number) value, type) : ofText(value.toString(), type);
    }

    private static Object joda(Object value, Class<?> type) {
        try {
            Constructor<?> constructor = type.getConstructor(Object.class);
            return constructor.newInstance(value instanceof Number ? (Object) ((Number) value).longValue() : value);
        } catch (InvocationTargetException error) {
            throw new IllegalArgumentException(error.getCause());
        } catch (ReflectiveOperationException error) {
            throw new IllegalArgumentException(error);
        }
    }

    private static Object date(Object value, Class<?> type, boolean event) {
        long ms;
        if (value instanceof Number) {
            BigDecimal given = new BigDecimal(value.toString());
            ms = (event ? given.multiply(THOUSAND) : given).longValue();
        } else if (value.toString().matches("-?\\d{1,18}")) {
            ms = Long.parseLong(value.toString());
        } else {
            ms = moment(value.toString()).toEpochMilli();
        }
        if (event && ms == 0) {
            return null; // as AWS's
        }
        if (type == Date.class) {
            return new Date(ms);
        }
        try {
            return type.getConstructor(long.class).newInstance(ms); // java.sql.Timestamp and its like
        } catch (ReflectiveOperationException error) {
            throw new IllegalArgumentException(error);
        }
    }

    /** An instant in ISO 8601, with or without a zone or a time. */
    private static Instant moment(String text) {
        String whole = text.matches("\\d{4}-\\d\\d-\\d\\d") ? text + "T00:00:00Z" : text;
        whole = zoned(whole);
        if (!whole.matches(".*(Z|[+-]\\d\\d:\\d\\d)$")) {
            whole += "Z";
        }
        return DateTimeFormatter.ISO_OFFSET_DATE_TIME.parse(whole, Instant::from);
    }

    /** A zone without a colon gets one. */
    private static String zoned(String text) {
        return text.replaceFirst("(T.*[+-]\\d\\d)(\\d\\d)$", "$1:$2");
    }

    private static Object ofNumber(Number value, Class<?> type) {
        BigDecimal given = new BigDecimal(value.toString());
        if (type == Year.class) {
            return Year.of(given.intValueExact());
        }
        BigDecimal whole = given.setScale(0, RoundingMode.FLOOR);
        long nanos = given.subtract(whole).movePointRight(9).longValue();
        if (type == Duration.class) {
            return Duration.ofSeconds(whole.longValue(), nanos);
        }
        Instant moment = Instant.ofEpochSecond(whole.longValue(), nanos);
        if (type == Instant.class) {
            return moment;
        } else if (type == OffsetDateTime.class) {
            return moment.atOffset(ZoneOffset.UTC);
        } else if (type == ZonedDateTime.class) {
            return moment.atZone(ZoneOffset.UTC);
        } else if (type == LocalDate.class) {
            return LocalDate.ofEpochDay(whole.longValue());
        }
        throw Scalars.wrong(value, type);
    }

    private static Object ofText(String text, Class<?> type) {
        if (NUMBER.matcher(text).matches() && MOMENTS.contains(type)) {
            return ofNumber(new BigDecimal(text), type);
        } else if (type == Instant.class) {
            return moment(text);
        } else if (type == OffsetDateTime.class) {
            return OffsetDateTime.parse(zoned(text));
        } else if (type == ZonedDateTime.class) {
            return ZonedDateTime.parse(zoned(text));
        } else if (type == LocalDate.class) {
            return LocalDate.parse(text.length() > 10 ? text.substring(0, 10) : text);
        } else if (type == LocalDateTime.class) {
            return LocalDateTime.parse(text.endsWith("Z") ? text.substring(0, text.length() - 1) : text);
        } else if (type == LocalTime.class) {
            return LocalTime.parse(text.substring(text.indexOf('T') + 1));
        } else if (type == Year.class) {
            return Year.parse(text);
        } else if (type == YearMonth.class) {
            return YearMonth.parse(text);
        }
        return Duration.parse(text);
    }

    private static Object ofParts(List<?> parts, Class<?> type) {
        int[] given = parts.stream().mapToInt(each -> ((Number) each).intValue()).toArray();
        int[] all = Arrays.copyOf(given, 7);
        if (type == LocalDate.class && given.length == 3) {
            return LocalDate.of(all[0], all[1], all[2]);
        } else if (type == YearMonth.class && given.length == 2) {
            return YearMonth.of(all[0], all[1]);
        } else if (type == LocalDateTime.class && given.length >= 5 && given.length <= 7) {
            return LocalDateTime.of(all[0], all[1], all[2], all[3], all[4], all[5], all[6]);
        } else if (type == LocalTime.class && given.length >= 2 && given.length <= 4) {
            return LocalTime.of(all[0], all[1], all[2], all[3]);
        }
        throw Scalars.wrong(parts, type);
    }
}
