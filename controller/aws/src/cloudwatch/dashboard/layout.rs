//! Layout: sections of graphs on the grid of 24 columns, three in a row.

use serde_json::{Map, Value, json};

use super::super::words;

/// Columns of the grid. Source: Amazon CloudWatch API Reference, "Dashboard Body Structure and Syntax".
const COLUMNS: usize = 24;
/// Columns of a graph.
const WIDTH: usize = 8;
/// Rows of a graph.
const HEIGHT: usize = 6;
/// Graphs in a row.
const IN_A_ROW: usize = COLUMNS / WIDTH;
/// Rows of a heading.
const HEADING: usize = 1;
/// Seconds of a datapoint.
const PERIOD_S: u32 = 60;

use super::graphs::{Graph, Line, Section};

/// The body of a dashboard of `sections`; those without graphs are left out.
pub(super) fn body(sections: &[Section], region: &str) -> Value {
    let mut widgets = Vec::new();
    let mut y = 0;
    for section in sections.iter().filter(|it| !it.graphs.is_empty()) {
        widgets.push(heading(section.title, y));
        y += HEADING;
        for row in section.graphs.chunks(IN_A_ROW) {
            let placed = row.iter().enumerate();
            widgets.extend(placed.map(|(place, graph)| widget(graph, place * WIDTH, y, region)));
            y += HEIGHT;
        }
    }
    json!({ "widgets": widgets })
}

fn heading(title: &str, y: usize) -> Value {
    json!({
        "type": "text", "x": 0, "y": y, "width": COLUMNS, "height": HEADING,
        "properties": { "markdown": format!("## {title}") },
    })
}

fn widget(graph: &Graph, x: usize, y: usize, region: &str) -> Value {
    let lines: Vec<Value> = graph.lines.iter().map(line).collect();
    json!({
        "type": "metric", "x": x, "y": y, "width": WIDTH, "height": HEIGHT,
        "properties": {
            "title": graph.title,
            "region": region,
            "view": "timeSeries",
            "period": PERIOD_S,
            "metrics": lines,
            "yAxis": { "left": { "min": 0 } },
        },
    })
}

/// `[namespace, metric, dimension, value, …, {options}]`.
fn line(line: &Line) -> Value {
    let metric = &line.metric;
    let mut parts = vec![json!(metric.namespace), json!(metric.name)];
    for (name, value) in &metric.dimensions {
        parts.push(json!(name));
        parts.push(json!(value));
    }
    let mut options = Map::new();
    options.insert("label".to_owned(), json!(line.label));
    options.insert(
        "stat".to_owned(),
        json!(words::of_statistic(line.statistic)),
    );
    parts.push(Value::Object(options));
    Value::Array(parts)
}

#[cfg(test)]
mod tests {
    use schema::infrastructure::{DashboardSources, Surroundings};

    use super::super::super::samples;
    use super::*;

    fn full() -> Surroundings {
        Surroundings {
            dashboard: DashboardSources {
                database_cluster: Some("loans".to_owned()),
                nat_gateways: vec!["nat-1".to_owned(), "nat-2".to_owned()],
                api_gateway: Some("a1b2c3".to_owned()),
            },
            ..samples::surroundings()
        }
    }

    fn body(surroundings: &Surroundings) -> Value {
        super::super::body(&samples::platform(), surroundings, "eu-west-1")
    }

    fn widgets(body: &Value) -> &[Value] {
        body["widgets"].as_array().unwrap()
    }

    fn side(widget: &Value, name: &str) -> u64 {
        widget[name].as_u64().unwrap()
    }

    fn overlap(one: &Value, other: &Value) -> bool {
        let meet = |at: &str, length: &str| {
            side(one, at) < side(other, at) + side(other, length)
                && side(other, at) < side(one, at) + side(one, length)
        };
        meet("x", "width") && meet("y", "height")
    }

    #[test]
    fn widgets_lie_on_the_grid_and_do_not_overlap() {
        let body = body(&full());
        let widgets = widgets(&body);
        for (place, widget) in widgets.iter().enumerate() {
            assert!(side(widget, "x") + side(widget, "width") <= 24);
            for other in &widgets[place + 1..] {
                assert!(!overlap(widget, other), "{widget} overlaps {other}");
            }
        }
        // Source: Amazon CloudWatch API Reference, "Dashboard Body Structure and Syntax".
        assert!(widgets.len() <= 500, "{}", widgets.len());
    }

    #[test]
    fn the_same_platform_has_the_same_dashboard() {
        assert_eq!(body(&full()).to_string(), body(&full()).to_string());
    }

    #[test]
    fn what_the_account_lacks_is_left_out() {
        let bare = Surroundings {
            load_balancer: None,
            ..samples::surroundings()
        };
        let (full, bare) = (body(&full()).to_string(), body(&bare).to_string());
        for namespace in [
            "AWS/ApplicationELB",
            "AWS/RDS",
            "AWS/NATGateway",
            "AWS/ApiGateway",
        ] {
            assert!(full.contains(namespace), "{namespace}");
            assert!(!bare.contains(namespace), "{namespace}");
        }
        assert!(bare.contains("AWS/ECS"));
    }

    #[test]
    fn a_line_names_its_metric_with_dimensions_and_statistic() {
        let body = body(&full()).to_string();
        let line = r#"["LoanPlatform","Calls","Dependency","scoring","Platform","local","Service","loan-api",{"label":"loan-api to scoring","stat":"Sum"}]"#;
        assert!(body.contains(line), "{body}");
    }
}
