package dev.libretto.device;

/** This Java cannot run TensorFlow Java as it was started; the message is one line for the user: why not, and what to do. */
public final class UnsupportedJavaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnsupportedJavaException(String message, Throwable cause) {
        super(message, cause);
    }
}
