package dev.libretto.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.Pointer;

/** The peak resident memory of the process. */
final class PeakMemory {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path RESET = Path.of("/proc/self/clear_refs");
    private static final String PEAK = "VmHWM:";

    private PeakMemory() {}

    /** Resets the peak, on Linux only. */
    static void reset() {
        try {
            Files.writeString(RESET, "5");
        } catch (IOException e) {
            // Then the peak is that of the whole process, which is at least as high.
        }
    }

    /** Returns the peak resident memory in MiB on Linux; elsewhere the current one. */
    static double mebibytes() throws IOException {
        if (!Files.isReadable(STATUS)) {
            return Pointer.physicalBytes() / (double) (1 << 20);
        }
        return Files.readAllLines(STATUS).stream()
                .filter(line -> line.startsWith(PEAK))
                .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024)
                .findFirst()
                .orElseThrow(() -> new IOException(STATUS + " has no " + PEAK));
    }
}
