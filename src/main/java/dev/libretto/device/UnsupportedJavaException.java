package dev.libretto.device;

/** Thrown if this JVM was started without an option that TensorFlow Java needs; the message is one line for the user. */
public final class UnsupportedJavaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnsupportedJavaException(String message, Throwable cause) {
        super(message, cause);
    }
}
