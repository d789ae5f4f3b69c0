package dev.libretto.device;

import java.text.DecimalFormatSymbols;
import java.util.IllformedLocaleException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.tensorflow.ndarray.buffer.DataBuffers;

/**
 * Decides how TensorFlow computes, before its native library is loaded: however the program is started, the same seed gives
 * the same bits. Whatever loads that library calls {@link #apply} first.
 */
public final class TensorFlowSetup {
    private static boolean applied;

    private TensorFlowSetup() {}

    /**
     * Prepares this process for TensorFlow; later calls do nothing. Variables that the user has set stay as they are. Where
     * JNA's library cannot be loaded, they all do: TensorFlow computes the same, but its bits depend on the processor.
     *
     * @throws UnsupportedJavaException if this Java does not let TensorFlow Java work
     */
    public static synchronized void apply() {
        if (applied) {
            return;
        }
        Locale.setDefault(Locale.Category.FORMAT, withAsciiDigits(Locale.getDefault(Locale.Category.FORMAT)));
        requireUnsafe();
        NativeFiles.locate();
        try {
            LibC libc = LibC.load();
            variables(Build.current()).forEach((name, value) -> {
                if (System.getenv().getOrDefault(name, "").isEmpty()) {
                    libc.setenv(name, value, 1);
                }
            });
        } catch (LinkageError e) {
            // No folder to unpack JNA's library in.
        }
        applied = true;
    }

    /** The environment variables that TensorFlow reads, and Libretto's defaults for them. */
    static Map<String, String> variables(Build build) {
        Map<String, String> variables = new LinkedHashMap<>();
        variables.put(NativeLog.LEVEL, "2");
        // TensorFlow turns oneDNN on for some processors only, and it is faster on the others, too.
        variables.put("TF_ENABLE_ONEDNN_OPTS", "1");
        if (build.isCuda()) {
            // Sums in a fixed order. Scatters need none, as no index occurs twice; and cuBLAS gets a workspace per
            // stream.
            variables.put("TF_DETERMINISTIC_OPS", "1");
            variables.put("TF_DISABLE_SCATTER_OP_DETERMINISM", "1");
            variables.put("CUBLAS_WORKSPACE_CONFIG", ":4096:8");
        }
        return variables;
    }

    /** TensorFlow Java formats the numbers in operations' names by the default locale; TensorFlow accepts ASCII only. */
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
            // TensorFlow Java writes to tensors the same way.
            DataBuffers.ofInts(1).setInt(0, 0);
        } catch (UnsupportedOperationException | ExceptionInInitializerError e) {
            throw new UnsupportedJavaException(
                    "this Java denies access to sun.misc.Unsafe, which TensorFlow Java needs; start it with"
                            + " --sun-misc-unsafe-memory-access=allow",
                    e);
        }
    }
}
