package lambent.runtime;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON text to maps, lists, texts, numbers and booleans: Integer where it fits, else Long, else BigInteger; Double.
 *
 * <p>Strict, as RFC 8259 has it, and 1000 levels deep at most. A text is decoded once; values are cut from it.
 */
final class JsonReader {
    private static final int DEEPEST = 1000;

    private final String text;
    private int at;
    private int depth;

    JsonReader(byte[] bytes) {
        text = new String(bytes, StandardCharsets.UTF_8);
    }

    /** The one value that the text is. Throws IllegalArgumentException. */
    Object read() {
        Object value = value();
        if (space() != 0) {
            throw wrong("more than one value");
        }
        return value;
    }

    private IllegalArgumentException wrong(String what) {
        return new IllegalArgumentException("Not JSON: " + what + " at character " + at);
    }

    /** The next character that is no space; 0 at the end. */
    private char space() {
        while (at < text.length()) {
            char next = text.charAt(at);
            if (next != ' ' && next != '\n' && next != '\r' && next != '\t') {
                return next;
            }
            at++;
        }
        return 0;
    }

    private Object value() {
        char first = space();
        switch (first) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw wrong("an unknown word");
        }
        at += word.length();
        return value;
    }

    private void deeper() {
        at++;
        if (++depth > DEEPEST) {
            throw wrong("more than " + DEEPEST + " levels");
        }
    }

    private Map<String, Object> object() {
        deeper();
        Map<String, Object> members = new LinkedHashMap<>();
        if (space() != '}') {
            do {
                if (space() != '"') {
                    throw wrong("no name");
                }
                String name = string();
                if (space() != ':') {
                    throw wrong("no colon");
                }
                at++;
                members.put(name, value());
            } while (more('}'));
        }
        at++;
        depth--;
        return members;
    }

    private List<Object> array() {
        deeper();
        List<Object> items = new ArrayList<>();
        if (space() != ']') {
            do {
                items.add(value());
            } while (more(']'));
        }
        at++;
        depth--;
        return items;
    }

    private boolean more(char end) {
        char next = space();
        if (next == ',') {
            at++;
            return true;
        }
        if (next != end) {
            throw wrong("neither a comma nor an end");
        }
        return false;
    }

    private String string() {
        int start = ++at;
        while (at < text.length()) {
            char next = text.charAt(at);
            if (next == '"') {
                return text.substring(start, at++);
            }
            if (next == '\\') {
                return escaped(start);
            }
            if (next < ' ') {
                throw wrong("a control character in a text");
            }
            at++;
        }
        throw wrong("a text without an end");
    }

    private String escaped(int start) {
        StringBuilder told = new StringBuilder(text.substring(start, at));
        while (at < text.length()) {
            char next = text.charAt(at++);
            if (next == '"') {
                return told.toString();
            }
            if (next < ' ') {
                throw wrong("a control character in a text");
            }
            told.append(next == '\\' ? escape() : next);
        }
        throw wrong("a text without an end");
    }

    private char escape() {
        char kind = at < text.length() ? text.charAt(at++) : 0;
        int known = "\"\\/bfnrt".indexOf(kind);
        if (known >= 0) {
            return "\"\\/\b\f\n\r\t".charAt(known);
        }
        if (kind != 'u' || at + 4 > text.length()) {
            throw wrong("an unknown escape");
        }
        int code = 0;
        for (int end = at + 4; at < end; at++) {
            int digit = Character.digit(text.charAt(at), 16);
            if (digit < 0) {
                throw wrong("an unknown escape");
            }
            code = code << 4 | digit;
        }
        return (char) code;
    }

    private Number number() {
        int start = at;
        if (peek() == '-') {
            at++;
        }
        int whole = digits();
        if (whole == 0 || whole > 1 && text.charAt(at - whole) == '0') {
            throw wrong("no value");
        }
        boolean isWhole = true;
        if (peek() == '.') {
            at++;
            isWhole = false;
            if (digits() == 0) {
                throw wrong("a point without digits");
            }
        }
        if (peek() == 'e' || peek() == 'E') {
            at++;
            isWhole = false;
            if (peek() == '+' || peek() == '-') {
                at++;
            }
            if (digits() == 0) {
                throw wrong("an exponent without digits");
            }
        }
        String told = text.substring(start, at);
        return isWhole ? wholeNumber(told) : (Number) Double.valueOf(told);
    }

    private static Number wholeNumber(String told) {
        if (told.length() > 18) {
            BigInteger big = new BigInteger(told);
            return big.bitLength() < Long.SIZE ? (Number) big.longValue() : big;
        }
        long value = Long.parseLong(told);
        return value == (int) value ? (Number) (int) value : (Number) value;
    }

    private char peek() {
        return at < text.length() ? text.charAt(at) : 0;
    }

    private int digits() {
        int start = at;
        while (peek() >= '0' && peek() <= '9') {
            at++;
        }
        return at - start;
    }
}
