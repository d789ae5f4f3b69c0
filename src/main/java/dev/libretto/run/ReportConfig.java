package dev.libretto.run;

import dev.libretto.train.Require;
import dev.libretto.train.TrainConfig;
import java.util.List;
import java.util.Objects;

/**
 * The reports written during training. They do not affect training.
 *
 * @param every epochs between reports
 * @param length the number of characters to write after each prefix
 * @param prefixes the texts to continue; empty for the default ones
 */
public record ReportConfig(int every, int length, List<String> prefixes, boolean tensorBoard) {
    public static final int MAX_LENGTH = 1_000_000_000;

    /** The default, also for runs from before reports were configurable. */
    public static final ReportConfig DEFAULT = new ReportConfig(50, 50, List.of(), false);

    public ReportConfig {
        Require.inRange("report every", every, 1, TrainConfig.MAX_EPOCHS);
        Require.inRange("report length", length, 1, MAX_LENGTH);
        Objects.requireNonNull(prefixes, "report prefixes");
        for (String prefix : prefixes) {
            Objects.requireNonNull(prefix, "one of the report prefixes");
        }
        prefixes = List.copyOf(prefixes);
    }
}
