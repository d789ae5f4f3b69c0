package dev.libretto.plot;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.style.colors.ColorBlindFriendlySeriesColors;

/** Measured figures as bars: a group of them for each thing that was measured, one of each kind side by side, from zero. */
public final class BarPlot {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 540;
    /** More groups than these have their names written slantwise, for room. */
    private static final int LEVEL_NAMES = 6;
    /** Pixels below which XChart would leave out the name of every other group. */
    private static final int NAME_SPACING = 20;

    private final CategoryChart chart;

    /**
     * @param unit what the figures are, on the axis
     * @param groups what was measured, at least one
     * @param bars for each kind its name and a figure of every group
     */
    public BarPlot(String title, String unit, List<String> groups, Map<String, List<Double>> bars) {
        chart = new CategoryChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title(title)
                .yAxisTitle(unit)
                .build();
        bars.forEach((name, figures) -> chart.addSeries(
                name, groups, figures.stream().map(BarPlot::rounded).toList()));
        ChartStyle.apply(chart.getStyler(), title + groups);
        chart.getStyler().setSeriesColors(new ColorBlindFriendlySeriesColors().getSeriesColors());
        chart.getStyler()
                .setPlotGridVerticalLinesVisible(false)
                .setXAxisTickMarkSpacingHint(NAME_SPACING)
                .setXAxisLabelRotation(groups.size() > LEVEL_NAMES ? 45 : 0)
                .setYAxisMin(0.0);
        chart.getStyler()
                .setLabelsVisible(true)
                .setLabelsPosition(0.95)
                .setLabelsFont(chart.getStyler().getLegendFont().deriveFont(11f));
        chart.getStyler().setAvailableSpaceFill(0.8);
    }

    /** To two decimals, as it is written on its bar. */
    private static double rounded(double figure) {
        return Math.round(figure * 100) / 100.0;
    }

    /**
     * The picture as the content of a file.
     *
     * @param extension {@code png} or {@code svg}
     */
    public byte[] encode(String extension) throws IOException {
        return ChartEncoder.getBytes(chart, extension);
    }
}
