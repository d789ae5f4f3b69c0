package dev.libretto.plot;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.style.colors.ColorBlindFriendlySeriesColors;

/** A grouped bar chart from zero. */
public final class BarPlot {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 540;
    /** Names of more groups than this are slanted to fit. */
    private static final int MAX_HORIZONTAL_NAMES = 6;
    /** Below this many pixels, XChart drops every other name. */
    private static final int NAME_SPACING = 20;

    private final CategoryChart chart;

    /**
     * @param unit the title of the y axis
     * @param groups at least one
     * @param bars the name of each series and its value for each group
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
                .setXAxisLabelRotation(groups.size() > MAX_HORIZONTAL_NAMES ? 45 : 0)
                .setYAxisMin(0.0);
        chart.getStyler()
                .setLabelsVisible(true)
                .setLabelsPosition(0.95)
                .setLabelsFont(chart.getStyler().getLegendFont().deriveFont(11f));
        chart.getStyler().setAvailableSpaceFill(0.8);
    }

    private static double rounded(double figure) {
        return Math.round(figure * 100) / 100.0;
    }

    /**
     * Returns the picture as the content of a file.
     *
     * @param extension {@code png} or {@code svg}
     */
    public byte[] encode(String extension) throws IOException {
        return ChartEncoder.getBytes(chart, extension);
    }
}
