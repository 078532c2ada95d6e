package com.amazonaws.services.lambda.runtime.logging;

import java.util.Locale;

public enum LogLevel {
    UNDEFINED,
    TRACE,
    DEBUG,
    INFO,
    WARN,
    ERROR,
    FATAL;

    /** The level of that name in any case; UNDEFINED for all else. */
    public static LogLevel fromString(String name) {
        try {
            return valueOf(name.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException | NullPointerException unknown) {
            return UNDEFINED;
        }
    }
}
