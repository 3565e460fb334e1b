export { init, use } from "echarts/core";
import { use } from "echarts/core";
import { LineChart, ScatterChart, CustomChart } from "echarts/charts";
import { GridComponent, TooltipComponent, DataZoomComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";
use([LineChart, ScatterChart, CustomChart, GridComponent, TooltipComponent, DataZoomComponent, CanvasRenderer]);
