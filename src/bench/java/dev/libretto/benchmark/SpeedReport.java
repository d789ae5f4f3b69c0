package dev.libretto.benchmark;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The figures of a workload.
 *
 * @param figures by their JSON names, in order
 */
public record SpeedReport(String workload, Map<String, Measured> figures) {
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
