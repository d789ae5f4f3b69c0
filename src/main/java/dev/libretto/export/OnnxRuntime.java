package dev.libretto.export;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtLoggingLevel;
import dev.libretto.device.OnnxRuntimeSetup;
import java.io.IOException;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Loads ONNX Runtime's native library. */
public final class OnnxRuntime {
    /** Logs a stack trace for failures that are also thrown. */
    private static final Logger LOADER_LOG = Logger.getLogger("ai.onnxruntime.OnnxRuntime");

    private OnnxRuntime() {}

    public static String version() throws IOException {
        return environment().getVersion();
    }

    static OrtEnvironment environment() throws IOException {
        LOADER_LOG.setLevel(Level.OFF);
        OnnxRuntimeSetup.apply();
        try {
            // Errors are thrown, so nothing needs to be logged to stderr.
            return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, "libretto");
        } catch (LinkageError e) {
            throw new IOException(
                    "ONNX Runtime cannot be loaded (" + reason(e)
                            + "); it needs a temporary directory that it can write to;"
                            + " set one with LIBRETTO_JAVA_OPTS=-Djava.io.tmpdir=DIR",
                    e);
        }
    }

    private static String reason(Throwable e) {
        if (e.getCause() != null) {
            return reason(e.getCause());
        }
        String message = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        // The loader's last attempt, after it failed to unpack the library.
        return message.contains(" in java.library.path") ? "it cannot be unpacked" : message;
    }
}
