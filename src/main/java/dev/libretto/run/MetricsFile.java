package dev.libretto.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** {@code metrics.csv}: a header and a row per epoch. */
final class MetricsFile {
    /** The most that Java reads at once: twice what the rows of as many epochs as there can be take. */
    static final int MAX_BYTES = Integer.MAX_VALUE - 8;

    private final Path path;

    MetricsFile(Path path) {
        this.path = path;
    }

    /** Writes the header alone. */
    void create() throws IOException {
        AtomicWrite.file(path, EpochMetrics.HEADER + "\n");
    }

    /** Adds a row. */
    void append(EpochMetrics metrics) throws IOException {
        Files.writeString(path, metrics.row() + "\n", StandardOpenOption.APPEND);
    }

    /** Forces the rows to the disk. */
    void sync() throws IOException {
        Disk.sync(path);
    }

    /** Returns how many of the first {@code epochs} epochs have a row, up to the first that lacks one. */
    int countRows(int epochs) throws IOException {
        return rows(epochs).size();
    }

    /** Removes all rows after an epoch, also one that a crash left half written. */
    void cutAfter(int epoch) throws IOException {
        StringBuilder kept = new StringBuilder(EpochMetrics.HEADER + "\n");
        rows(epoch).forEach(row -> kept.append(row).append('\n'));
        AtomicWrite.file(path, kept.toString());
    }

    private List<String> rows(int epochs) throws IOException {
        List<String> lines = Files.exists(path) ? lines() : List.of();
        int rows = 0;
        while (rows < epochs && rows + 1 < lines.size() && EpochMetrics.isRow(lines.get(rows + 1), rows + 1)) {
            rows++;
        }
        return rows == 0 ? List.of() : lines.subList(1, rows + 1);
    }

    private List<String> lines() throws IOException {
        try {
            return Disk.readText(path, MAX_BYTES).lines().toList();
        } catch (RunException e) {
            throw new RunException(e.getMessage() + "; move it away to go on without it", e);
        }
    }
}
