package dev.libretto.device;

import dev.libretto.LibrettoException;
import java.io.UncheckedIOException;
import java.text.DecimalFormatSymbols;
import java.util.IllformedLocaleException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.tensorflow.ndarray.buffer.DataBuffers;

/**
 * Sets TensorFlow's environment before its native library is loaded, so that the same seed gives the same bits however the
 * program is started. Call {@link #apply} before loading the library.
 */
public final class TensorFlowSetup {
    private static boolean applied;

    private TensorFlowSetup() {}

    /**
     * Prepares this process for TensorFlow; later calls do nothing. Variables set by the user stay. If JNA's library cannot be
     * loaded, none is set, and rounding may depend on the processor.
     *
     * @throws UncheckedIOException if this JVM was started without an option that TensorFlow Java needs
     */
    public static synchronized void apply() {
        if (applied) {
            return;
        }
        Locale.setDefault(Locale.Category.FORMAT, withAsciiDigits(Locale.getDefault(Locale.Category.FORMAT)));
        requireUnsafe();
        NativeLibraryPath.configure();
        try {
            LibC libc = LibC.load();
            variables(Build.current()).forEach((name, value) -> {
                if (System.getenv().getOrDefault(name, "").isEmpty()) {
                    libc.setenv(name, value, 1);
                }
            });
        } catch (LinkageError e) {
            // JNA's library cannot be unpacked.
        }
        applied = true;
    }

    /** Returns Libretto's defaults for TensorFlow's environment variables. */
    static Map<String, String> variables(Build build) {
        Map<String, String> variables = new LinkedHashMap<>();
        variables.put(NativeLog.LEVEL, "2");
        // TensorFlow enables oneDNN on some processors only; it is faster on the others, too.
        variables.put("TF_ENABLE_ONEDNN_OPTS", "1");
        if (build.isCuda()) {
            // Force deterministic reductions. Scatters are deterministic anyway, as no index occurs twice. cuBLAS needs
            // a workspace per stream.
            variables.put("TF_DETERMINISTIC_OPS", "1");
            variables.put("TF_DISABLE_SCATTER_OP_DETERMINISM", "1");
            variables.put("CUBLAS_WORKSPACE_CONFIG", ":4096:8");
        }
        return variables;
    }

    /** TensorFlow Java formats numbers in operation names by the default locale; TensorFlow accepts ASCII only. */
    static Locale withAsciiDigits(Locale locale) {
        if (DecimalFormatSymbols.getInstance(locale).getZeroDigit() == '0') {
            return locale;
        }
        try {
            return new Locale.Builder()
                    .setLocale(locale)
                    .setUnicodeLocaleKeyword("nu", "latn")
                    .build();
        } catch (IllformedLocaleException e) {
            return Locale.ROOT;
        }
    }

    private static void requireUnsafe() {
        try {
            // TensorFlow Java writes to tensors this way.
            DataBuffers.ofInts(1).setInt(0, 0);
        } catch (UnsupportedOperationException | ExceptionInInitializerError e) {
            throw new UncheckedIOException(new LibrettoException(
                    "this Java denies access to sun.misc.Unsafe, which TensorFlow Java needs; start it with"
                            + " --sun-misc-unsafe-memory-access=allow",
                    e));
        }
    }
}
