package dev.libretto.plot;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.util.Locale;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler.LegendPosition;

/** What all pictures have in common: the fonts, the legend below, a pale grid on white. */
final class ChartStyle {
    private static final Color GRID = new Color(230, 230, 230);

    private ChartStyle() {}

    /**
     * Styles a chart.
     *
     * @param text all that is written in it, which the font must have
     */
    static void apply(AxesChartStyler styler, String text) {
        String family = Fonts.familyFor(text);
        styler.setAxisTitleFont(new Font(family, Font.PLAIN, 14))
                .setAxisTickLabelsFont(new Font(family, Font.PLAIN, 12))
                .setPlotGridLinesStroke(new BasicStroke(1))
                .setPlotGridLinesColor(GRID);
        styler.setBaseFont(new Font(family, Font.PLAIN, 14))
                .setChartTitleFont(new Font(family, Font.BOLD, 16))
                .setLegendFont(new Font(family, Font.PLAIN, 13))
                .setLegendPosition(LegendPosition.OutsideS)
                .setLegendBorderColor(Color.WHITE)
                .setChartBackgroundColor(Color.WHITE)
                .setLocale(Locale.ROOT);
    }
}
