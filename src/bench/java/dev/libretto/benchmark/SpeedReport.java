package dev.libretto.benchmark;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The figures of a workload.
 *
 * @param workload its name
 * @param figures by the names that they have in JSON, in order
 */
public record SpeedReport(String workload, Map<String, Measured> figures) {
    /** The medians by their names, and beside them under {@code spread} the lowest and the highest measurement of each. */
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
