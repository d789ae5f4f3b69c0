package dev.libretto.benchmark;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The figures of a workload.
 *
 * @param figures by their JSON names, in order
 */
public record SpeedReport(String workload, Map<String, Measured> figures) {
    public static final String EPOCH = "epoch_seconds";
    public static final String BOUND_AT_SHAPE = "floor_seconds_at_shape";
    public static final String BOUND_AT_PEAK = "floor_seconds_at_peak";

    /** Returns a line for each lower bound that is none: an epoch was faster. */
    public List<String> wrongBounds() {
        double fastest = figures.get(EPOCH).min();
        return Stream.of(BOUND_AT_SHAPE, BOUND_AT_PEAK)
                .filter(bound -> fastest < figures.get(bound).min())
                .map(bound -> String.format(
                        Locale.ROOT,
                        "%s is wrong: an epoch took %.4f seconds, less than %.4f; measure again without other load",
                        bound,
                        fastest,
                        figures.get(bound).min()))
                .toList();
    }

    /** Returns the median of each figure, and its lowest and highest measurement under {@code spread}. */
    public Map<String, Object> asJson() {
        Map<String, Object> json = new LinkedHashMap<>();
        Map<String, List<Double>> spread = new LinkedHashMap<>();
        figures.forEach((name, figure) -> {
            json.put(name, figure.median());
            spread.put(name, List.of(figure.min(), figure.max()));
        });
        json.put("spread", spread);
        return json;
    }
}
