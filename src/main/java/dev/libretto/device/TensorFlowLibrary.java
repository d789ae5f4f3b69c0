package dev.libretto.device;

import java.io.UncheckedIOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.tensorflow.TensorFlow;

/** TensorFlow's native library. */
public final class TensorFlowLibrary {
    private static CompletableFuture<String> loading = CompletableFuture.completedFuture("");

    private TensorFlowLibrary() {}

    /**
     * Starts loading in the background, which shortens start-up. Call {@link #await} before using TensorFlow. The CUDA build
     * loads on first use instead, since loading writes to stderr, which {@link NativeLog} suppresses.
     */
    public static void loadInBackground() {
        if (!Build.current().isCuda()) {
            loading = CompletableFuture.supplyAsync(TensorFlowLibrary::version, task -> {
                Thread thread = new Thread(task, "native library");
                thread.setDaemon(true);
                thread.start();
            });
        }
    }

    /** Returns TensorFlow's version. */
    public static String version() {
        TensorFlowSetup.apply();
        return TensorFlow.version();
    }

    /**
     * Waits for a load in the background to finish.
     *
     * @throws LinkageError if it cannot be loaded
     * @throws UncheckedIOException if this JVM was started without an option that TensorFlow Java needs
     */
    public static void await() {
        try {
            loading.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof UncheckedIOException cause) {
                throw cause;
            }
            throw e.getCause() instanceof LinkageError cause ? cause : new LinkageError(e.getMessage(), e);
        }
    }
}
