package dev.libretto.generate;

import dev.libretto.device.Sessions;
import dev.libretto.generate.DecodingGraph.Kind;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Runs a model with a graph, which is faster for long texts and many rows. */
public final class GraphModel implements TextModel {
    /**
     * The most values of a graph's constants: a protocol buffer has at most 2 GiB, and 64 MiB of these are for
     * operations.
     */
    static final long MAX_WEIGHTS = (1L << 31) - (1 << 26) >> 2;

    private final ModelConfig config;
    private final Weights weights;
    /** The graphs built so far. */
    private final Map<Kind, DecodingGraph> graphs;

    private final Kind ofOneRow;

    private final Kind ofManyRows;

    /** @throws IllegalArgumentException if the weights are too large for a graph */
    public GraphModel(ModelConfig config, Weights weights) {
        if (!fits(config)) {
            throw new IllegalArgumentException("the model has " + LanguageModel.countParameters(config)
                    + " weights, but a graph holds at most " + MAX_WEIGHTS + "; use the eager decoder");
        }
        this.config = config;
        this.weights = weights;
        this.graphs = new EnumMap<>(Kind.class);
        Kind withoutOneDnn = Sessions.canFuseProducts() ? Kind.FUSED : Kind.ANY;
        this.ofOneRow = Sessions.roundAlikeInBlocks() ? Kind.ONE : withoutOneDnn;
        this.ofManyRows = Kind.ANY;
    }

    private GraphModel(GraphModel other, Kind ofOneRow, Kind ofManyRows) {
        this.config = other.config;
        this.weights = other.weights;
        this.graphs = other.graphs;
        this.ofOneRow = ofOneRow;
        this.ofManyRows = ofManyRows;
    }

    @Override
    public TextModel forBatches() {
        return Sessions.roundAlikeInBlocks()
                ? new GraphModel(this, Kind.ONE, Kind.ALIKE)
                : new GraphModel(this, Kind.ANY, Kind.ANY);
    }

    /** Returns whether the weights of a model fit into a graph. */
    public static boolean fits(ModelConfig config) {
        return LanguageModel.countParameters(config) <= MAX_WEIGHTS;
    }

    private DecodingGraph graph(int rows) {
        return graphs.computeIfAbsent(
                rows == 1 ? ofOneRow : ofManyRows, kind -> new DecodingGraph(config, weights, kind));
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public String weightsHash() {
        return weights.sha256();
    }

    @Override
    public Step step(int[] ids, List<float[]> state) {
        return graph(ids.length).step(ids, state);
    }

    @Override
    public List<float[]> read(int[][] ids, List<float[]> state) {
        return graph(ids[0].length).read(ids, state);
    }

    @Override
    public Written writeGreedily(int[] ids, List<float[]> state, boolean scored, int most) {
        return most < DecodingGraph.FEW_STEPS
                ? TextModel.super.writeGreedily(ids, state, scored, most)
                : graph(ids.length).writeGreedily(ids, state, scored, most);
    }

    @Override
    public void close() {
        graphs.values().forEach(DecodingGraph::close);
    }
}
