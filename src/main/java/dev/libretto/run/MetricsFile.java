package dev.libretto.run;

import dev.libretto.LibrettoException;
import dev.libretto.train.EpochMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.regex.Pattern;

/** {@code metrics.csv}: a header and one row per epoch. */
final class MetricsFile {
    /** The largest array in Java: twice the size of the rows of the most epochs. */
    static final int MAX_BYTES = Integer.MAX_VALUE - 8;

    static final String HEADER = "epoch,loss,perplexity,seconds,chars_per_second,learning_rate,rollbacks,"
            + "validation_loss,validation_perplexity";

    private static final Pattern ROW = Pattern.compile("\\d+(,[\\w.-]*){" + (HEADER.split(",").length - 1) + "}");

    private final Path path;

    MetricsFile(Path path) {
        this.path = path;
    }

    void create() throws IOException {
        AtomicWrite.file(path, HEADER + "\n");
    }

    void append(EpochMetrics metrics) throws IOException {
        Files.writeString(path, row(metrics) + "\n", StandardOpenOption.APPEND);
    }

    void sync() throws IOException {
        Disk.sync(path);
    }

    /** Returns how many of the first {@code epochs} epochs have a row, up to the first without. */
    int countRows(int epochs) throws IOException {
        return rows(epochs).size();
    }

    /** Removes all rows after an epoch, including one cut off by a crash. */
    void cutAfter(int epoch) throws IOException {
        StringBuilder kept = new StringBuilder(HEADER + "\n");
        rows(epoch).forEach(row -> kept.append(row).append('\n'));
        AtomicWrite.file(path, kept.toString());
    }

    private List<String> rows(int epochs) throws IOException {
        List<String> lines = Files.exists(path) ? lines() : List.of();
        int rows = 0;
        while (rows < epochs && rows + 1 < lines.size() && isRow(lines.get(rows + 1), rows + 1)) {
            rows++;
        }
        return rows == 0 ? List.of() : lines.subList(1, rows + 1);
    }

    private static boolean isRow(String line, int epoch) {
        return line.startsWith(epoch + ",") && ROW.matcher(line).matches();
    }

    /** Returns the row of an epoch, with every digit needed to restore each number. */
    static String row(EpochMetrics metrics) {
        Double validationLoss = metrics.validationLoss();
        return metrics.epoch() + "," + metrics.loss() + "," + metrics.perplexity() + "," + metrics.seconds() + ","
                + metrics.charsPerSecond() + "," + metrics.learningRate() + "," + metrics.rollbacks() + ","
                + (validationLoss == null ? "," : validationLoss + "," + metrics.validationPerplexity());
    }

    private List<String> lines() throws IOException {
        try {
            return Disk.readText(path, MAX_BYTES).lines().toList();
        } catch (LibrettoException e) {
            throw new LibrettoException(e.getMessage() + "; move it away to continue without it", e);
        }
    }
}
