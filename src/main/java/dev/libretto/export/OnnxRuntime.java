package dev.libretto.export;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtLoggingLevel;
import java.io.IOException;
import java.util.logging.Level;
import java.util.logging.Logger;

/** ONNX Runtime's native library, loaded at its first use. */
public final class OnnxRuntime {
    /** Reports with a stack trace what is an exception soon after. */
    private static final Logger LOADER_LOG = Logger.getLogger("ai.onnxruntime.OnnxRuntime");

    private OnnxRuntime() {}

    /**
     * Returns the library's version.
     *
     * @throws IOException if it cannot be loaded: why, and what to do, in one line
     */
    public static String version() throws IOException {
        return environment().getVersion();
    }

    /** Throws as {@link #version} does. */
    static OrtEnvironment environment() throws IOException {
        LOADER_LOG.setLevel(Level.OFF);
        try {
            // Errors are exceptions; what is written to stderr besides is not needed.
            return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, "libretto");
        } catch (LinkageError e) {
            throw new IOException(
                    "ONNX Runtime cannot be loaded (" + reason(e)
                            + "); it needs a temp folder that exists, has 30 MB free and"
                            + " is not mounted noexec: LIBRETTO_JAVA_OPTS=-Djava.io.tmpdir=DIR names one",
                    e);
        }
    }

    private static String reason(Throwable e) {
        if (e.getCause() != null) {
            return reason(e.getCause());
        }
        String message = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        // The last place that the loader tries, after it could not unpack the library.
        return message.contains(" in java.library.path") ? "nothing can be unpacked" : message;
    }
}
