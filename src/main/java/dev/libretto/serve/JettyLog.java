package dev.libretto.serve;

import dev.libretto.LibrettoException;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** Passes Jetty's warnings on, each as one line without control characters. */
final class JettyLog extends Handler {
    /** Kept, because Java forgets the settings of a logger that nobody has. */
    private static final Logger JETTY = Logger.getLogger("org.eclipse.jetty");

    /** Its warnings are about what clients send; they are told. */
    private static final Logger PARSER = Logger.getLogger("org.eclipse.jetty.http");

    private final Consumer<String> log;

    private JettyLog(Consumer<String> log) {
        this.log = log;
    }

    static void passTo(Consumer<String> log) {
        for (Handler handler : JETTY.getHandlers()) {
            JETTY.removeHandler(handler);
        }
        JETTY.setUseParentHandlers(false);
        JETTY.setLevel(Level.WARNING);
        PARSER.setLevel(Level.OFF);
        JETTY.addHandler(new JettyLog(log));
    }

    @Override
    public void publish(LogRecord record) {
        if (isSecondRelease(record)) {
            return;
        }
        String message = new SimpleFormatter().formatMessage(record);
        String cause = record.getThrown() == null ? "" : ": " + record.getThrown();
        log.accept("warning: " + LibrettoException.oneLine(message + cause));
    }

    /**
     * Returns whether Jetty released the buffer of an aborted request twice. Connections share no buffers, so this harms nobody, and
     * an operator could do nothing about it.
     */
    private static boolean isSecondRelease(LogRecord record) {
        return "Job failed".equals(record.getMessage())
                && record.getThrown() instanceof IllegalStateException thrown
                && String.valueOf(thrown.getMessage()).startsWith("already released ");
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
}
