package dev.libretto.run;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** The perplexities of a run, epoch by epoch. */
public record LearningCurve(String name, List<Epoch> epochs) {
    /**
     * @param validation the perplexity of the held-out text; NaN without validation
     * @param seconds the time that training took; NaN if not recorded
     */
    public record Epoch(int epoch, double training, double validation, double seconds) {
        /** Returns the perplexity by which epochs are compared: validation if there is one. */
        public double decisive() {
            return Double.isNaN(validation) ? training : validation;
        }
    }

    /**
     * Reads the {@code metrics.csv} of a run. Columns are found by name. An incomplete last line, still being written or cut
     * off by a crash, is skipped.
     */
    public static LearningCurve read(Path run) throws IOException {
        Path file = run.resolve(RunDirectory.METRICS);
        String text = Disk.readText(file, MetricsFile.MAX_BYTES);
        List<String> lines =
                text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
        List<String> columns =
                lines.isEmpty() ? List.of() : Arrays.asList(lines.get(0).split(","));
        if (!columns.contains("epoch") || !columns.contains("perplexity")) {
            throw LibrettoException.damaged(file, "its header lacks epoch or perplexity", null);
        }
        int validation = columns.indexOf("validation_perplexity");
        int seconds = columns.indexOf("seconds");
        List<Epoch> epochs = new ArrayList<>();
        for (String line : lines.subList(1, lines.size())) {
            String[] values = line.split(",", -1);
            try {
                epochs.add(new Epoch(
                        Integer.parseInt(values[columns.indexOf("epoch")]),
                        Double.parseDouble(values[columns.indexOf("perplexity")]),
                        optional(values, validation),
                        optional(values, seconds)));
            } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
                throw LibrettoException.damaged(file, "line " + (epochs.size() + 2) + " is \"" + line + "\"", e);
            }
        }
        return new LearningCurve(
                Runs.resolve(run).toAbsolutePath().normalize().getFileName().toString(), epochs);
    }

    private static double optional(String[] values, int column) {
        return column < 0 || values[column].isEmpty() ? Double.NaN : Double.parseDouble(values[column]);
    }

    /** Returns the epoch of lowest perplexity, of validation if there is one; empty before the first epoch. */
    public Optional<Epoch> best() {
        return epochs.stream().min(Comparator.comparingDouble(Epoch::decisive));
    }
}
