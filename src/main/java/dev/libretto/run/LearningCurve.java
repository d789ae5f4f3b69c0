package dev.libretto.run;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The perplexities of a run, epoch by epoch.
 *
 * @param name the name of the run's directory
 * @param epochs in order
 */
public record LearningCurve(String name, List<Epoch> epochs) {
    /**
     * The perplexities of one epoch.
     *
     * @param epoch counted from 1
     * @param training over its batches
     * @param validation after it, on the text held back; NaN where there is none
     */
    public record Epoch(int epoch, double training, double validation) {
        /** What epochs are compared by: validation where there is one. */
        public double decisive() {
            return Double.isNaN(validation) ? training : validation;
        }
    }

    /**
     * Reads the {@code metrics.csv} of a run, finding its columns by their names. A last line that is not whole, because it
     * is being written or a crash cut it off, is left out.
     *
     * @throws RunException if the file is missing or has other content
     */
    public static LearningCurve read(Path run) throws IOException {
        Path file = run.resolve(RunDirectory.METRICS);
        String text = Disk.readText(file, MetricsFile.MAX_BYTES);
        List<String> lines =
                text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
        List<String> columns =
                lines.isEmpty() ? List.of() : Arrays.asList(lines.get(0).split(","));
        if (!columns.contains("epoch") || !columns.contains("perplexity")) {
            throw RunException.damaged(file, "its first line names no columns epoch and perplexity", null);
        }
        int validation = columns.indexOf("validation_perplexity");
        List<Epoch> epochs = new ArrayList<>();
        for (String line : lines.subList(1, lines.size())) {
            String[] values = line.split(",", -1);
            try {
                epochs.add(new Epoch(
                        Integer.parseInt(values[columns.indexOf("epoch")]),
                        Double.parseDouble(values[columns.indexOf("perplexity")]),
                        validation < 0 || values[validation].isEmpty()
                                ? Double.NaN
                                : Double.parseDouble(values[validation])));
            } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
                throw RunException.damaged(file, "line " + (epochs.size() + 2) + " is \"" + line + "\"", e);
            }
        }
        return new LearningCurve(
                Runs.resolve(run).toAbsolutePath().normalize().getFileName().toString(), epochs);
    }

    /** The epoch with the lowest perplexity, on the validation text where there is one; none before the first. */
    public Optional<Epoch> best() {
        return epochs.stream().min(Comparator.comparingDouble(Epoch::decisive));
    }
}
