package dev.libretto.plot;

import dev.libretto.run.LearningCurve;
import dev.libretto.run.LearningCurve.Epoch;
import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.colors.ColorBlindFriendlySeriesColors;
import org.knowm.xchart.style.lines.SeriesLines;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Perplexity over epochs of one or more runs on a log scale: training solid, validation dashed, the best epoch as a
 * dot.
 */
public final class PerplexityPlot {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 540;
    /** More epochs are thinned out: a line has no more pixels. */
    private static final int MAX_POINTS = 2000;

    private static final int LEGEND_ROW = 22;
    private static final BasicStroke SOLID = new BasicStroke(1.5f);
    private static final BasicStroke DASHED =
            new BasicStroke(1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {6, 3}, 0);
    private static final Color[] COLORS = new ColorBlindFriendlySeriesColors().getSeriesColors();

    private final XYChart chart;
    private final DoubleSummaryStatistics drawn = new DoubleSummaryStatistics();
    private int series;

    /** @param curves at least one; a curve without an epoch has a legend entry only */
    public PerplexityPlot(String title, List<LearningCurve> curves) {
        chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT + (curves.size() - 1) * LEGEND_ROW)
                .title(title)
                .xAxisTitle("epoch")
                .yAxisTitle("perplexity")
                .build();
        int lastEpoch = 1;
        for (int i = 0; i < curves.size(); i++) {
            LearningCurve curve = curves.get(i);
            draw(curve, curves.size() == 1 ? "" : curve.name() + ", ", COLORS[i % COLORS.length]);
            lastEpoch = curve.epochs().stream().mapToInt(Epoch::epoch).reduce(lastEpoch, Math::max);
        }
        style(title + curves.stream().map(LearningCurve::name).toList(), lastEpoch);
    }

    private void draw(LearningCurve curve, String name, Color color) {
        List<Epoch> all = curve.epochs();
        int stride = 1 + (all.size() - 1) / MAX_POINTS;
        List<Epoch> thinned = all.stream()
                .filter(epoch -> (epoch.epoch() - 1) % stride == 0 || epoch == all.get(all.size() - 1))
                .toList();
        Optional<Epoch> best = curve.best().filter(epoch -> drawable(epoch.decisive()));
        String lowest = best.map(epoch -> String.format(
                        Locale.ROOT, ", lowest %s in epoch %,d", rounded(epoch.decisive()), epoch.epoch()))
                .orElse("");
        boolean validated = all.stream().anyMatch(epoch -> !Double.isNaN(epoch.validation()));
        line(name + "training" + (validated ? "" : lowest), thinned, Epoch::training)
                .setLineColor(color);
        if (validated) {
            line(name + "validation" + lowest, thinned, Epoch::validation)
                    .setLineColor(color)
                    .setLineStyle(DASHED);
        }
        best.ifPresent(epoch -> {
            XYSeries dot = line("", List.of(epoch), Epoch::decisive);
            dot.setMarker(SeriesMarkers.CIRCLE).setMarkerColor(color);
            dot.setLineStyle(SeriesLines.NONE).setShowInLegend(false);
        });
    }

    private XYSeries line(String label, List<Epoch> epochs, ToDoubleFunction<Epoch> perplexity) {
        List<Epoch> finite = epochs.stream()
                .filter(epoch -> drawable(perplexity.applyAsDouble(epoch)))
                .toList();
        double[] x = finite.stream().mapToDouble(Epoch::epoch).toArray();
        double[] y = finite.stream().mapToDouble(perplexity).toArray();
        Arrays.stream(y).forEach(drawn);
        if (x.length > 1) {
            // With equally spaced values XChart labels the axis with them instead of with round numbers.
            x[x.length - 1] -= 0.001;
        }
        String id = "series " + series++;
        XYSeries line = x.length == 0
                ? chart.addSeries(id, new double[] {1}, new double[] {Double.NaN})
                : chart.addSeries(id, x, y);
        line.setMarker(SeriesMarkers.NONE).setLabel(label);
        line.setLineStyle(SOLID);
        return line;
    }

    /** Excludes the perplexities of a diverged model. */
    private static boolean drawable(double perplexity) {
        return perplexity >= 0.1 && perplexity <= 1e15;
    }

    private void style(String text, int lastEpoch) {
        ChartStyle.apply(chart.getStyler(), text);
        chart.getStyler().setLegendLayout(LegendLayout.Vertical).setMarkerSize(9);
        chart.getStyler()
                .setXAxisMin(0.0)
                .setXAxisMax((double) lastEpoch)
                // A short axis has ticks between epochs; these get no label.
                .setXAxisTickLabelsFormattingFunction(
                        epoch -> epoch == Math.rint(epoch) ? String.format(Locale.ROOT, "%,.0f", epoch) : "")
                .setYAxisLogarithmic(true)
                .setYAxisLogarithmicDecadeOnly(true)
                .setYAxisTickLabelsFormattingFunction(PerplexityPlot::tick);
        // Whole decades, so that the axis always has two labels.
        double bottom = drawn.getCount() == 0 ? 0 : Math.floor(Math.log10(drawn.getMin()));
        double top = drawn.getCount() == 0 ? 1 : Math.ceil(Math.log10(drawn.getMax()));
        chart.getStyler().setYAxisMin(Math.pow(10, bottom)).setYAxisMax(Math.pow(10, Math.max(top, bottom + 1)));
    }

    private static String tick(double perplexity) {
        return perplexity < 1 ? Double.toString(perplexity) : String.format(Locale.ROOT, "%,.0f", perplexity);
    }

    private static String rounded(double perplexity) {
        return perplexity < 100
                ? String.format(Locale.ROOT, "%.3g", perplexity)
                : String.format(Locale.ROOT, "%,.0f", perplexity);
    }

    /** @param extension {@code png} or {@code svg} */
    public byte[] encode(String extension) throws IOException {
        return ChartEncoder.getBytes(chart, extension);
    }
}
